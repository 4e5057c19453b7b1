import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { TidemarkError } from '../core/errors.ts';
import { budget, type Release } from './budget.ts';
import { countedBody } from './counted-body.ts';
import { type Turnstile, turnstile } from './turnstile.ts';

/**
 * How much may be under way at once. What one process can do is bounded by its one thread, so more than a fraction of
 * a second's work would only wait in it, and be answered too late for who asked. A body's size says best what a
 * request costs before it is read.
 */
export interface LoadLimits {
  readonly requests: number;
  /**
   * Of their bodies together, as they have come whole; of what has come of others eight times as much, so that who
   * sends slowly holds up nobody. One request alone is never too large for it, and of those that have come whole one
   * waits for its turn. Bodies of less than a hundredth are counted apart: they are let in while large ones wait.
   */
  readonly bytes: number;
}

export interface ReadLimits extends LoadLimits {
  /**
   * Of the answers together, known when the body has been read; one request alone is never too large for it, and one
   * waits for its turn. Requests of less than a hundredth are counted apart: who reads a large answer slowly does not
   * hold them up.
   */
  readonly values: number;
}

/** A thousand reads of an entity, or three hundred of five hundred entities: a third of a second's work. */
export const READ_LIMITS: ReadLimits = { requests: 1000, bytes: 1024 * 1024, values: 2_000_000 };
/** Small ones wait for disks and others' servers together; a hundred thousand rows are a second's work. */
export const WRITE_LIMITS: LoadLimits = { requests: 200, bytes: 4 * 1024 * 1024 };

export interface LoadShedding {
  /** To be asked when a body has come whole, before it is parsed. */
  readonly admit: (request: FastifyRequest, bytes: number) => Turn;
  readonly weigh: Weigh;
}

/** So many values will be read; they are counted until the request is answered. */
export type Weigh = (reply: FastifyReply, values: number) => Turn;

/** Undefined: now. OVERLOADED, thrown or later, when it is too much for now. */
export type Turn = Promise<void> | undefined;

/** What a request costs besides its body. */
const REQUEST_BYTES = 512;
const SMALL_SHARE = 0.01;
/** Bytes that wait to be whole take memory, and no time. */
const COMING_SHARE = 8;
/** Twice what all that is under way should take. */
const LONGEST_WAIT_MILLIS = 2000;
const READ_ROUTE = '/get-online-features';

/**
 * Refuses requests beyond the limits at once, before their body is read: OVERLOADED, with Retry-After. Reads and
 * writes have limits of their own, and what is asked about the server itself has none. Of large bodies, and of those
 * that were not announced, what has come is counted; when it is all, whether it is parsed now. Reads are weighed again
 * when it is known how large their answer will be.
 */
export function shedLoad(
  app: FastifyInstance,
  limits: { reads: ReadLimits; writes: LoadLimits },
): LoadShedding {
  const reads = budgetsOf(limits.reads);
  const writes = budgetsOf(limits.writes);
  const smallAnswers = budget(limits.reads.values);
  const largeAnswers = turnstile(limits.reads.values, LONGEST_WAIT_MILLIS);
  const expected = new WeakMap<FastifyRequest, FastifyReply>();
  const budgetsFor = (request: FastifyRequest) => (request.routeOptions.url === READ_ROUTE ? reads : writes);

  app.addHook('onRequest', (request, reply, done) => {
    if (request.method !== 'POST') {
      done();
      return;
    }
    const { requests, small, coming, isSmall } = budgetsFor(request);
    const announced = Number(request.headers['content-length'] ?? Number.NaN);
    const isAnnounced = Number.isFinite(announced);
    const size = REQUEST_BYTES + (isAnnounced ? announced : 0);
    const isLarge = !isSmall(size);
    const one = requests.admit(1);
    const body = isLarge ? (coming.hasRoom(size) ? one : undefined) : small.admit(size);
    if (one === undefined || body === undefined) {
      one?.();
      body?.();
      done(overloaded(reply));
      return;
    }
    whenAnswered(reply, () => {
      one();
      body();
    });
    // Nothing more of one that is small and said so: it has its size when it has come.
    if (isLarge || !isAnnounced) expected.set(request, reply);
    done();
  });
  app.addHook('preParsing', (request, reply, payload, done) => {
    if (!expected.has(request)) {
      done();
      return;
    }
    const { isSmall, coming } = budgetsFor(request);
    let bytes = REQUEST_BYTES;
    let release: Release | undefined;
    const forget = () => {
      release?.();
      release = undefined;
    };
    const body = countedBody(payload, (more) => {
      bytes += more;
      if (reply.sent || isSmall(bytes)) return undefined;
      forget();
      release = coming.admit(bytes);
      return release === undefined ? overloaded(reply) : undefined;
    });
    whenAnswered(reply, () => {
      forget();
      body.resume();
    });
    done(null, body);
  });
  return {
    admit(request, bytes) {
      const reply = expected.get(request);
      const { isSmall, whole } = budgetsFor(request);
      if (reply === undefined || isSmall(REQUEST_BYTES + bytes)) return undefined;
      return enter(whole, REQUEST_BYTES + bytes, reply);
    },
    weigh(reply, values) {
      if (values >= limits.reads.values * SMALL_SHARE) return enter(largeAnswers, values, reply);
      const release = smallAnswers.admit(values);
      if (release === undefined) throw overloaded(reply);
      whenAnswered(reply, release);
      return undefined;
    },
  };
}

function enter(gate: Turnstile, size: number, reply: FastifyReply): Turn {
  const entered = (release: Release | undefined) => {
    if (release === undefined) throw overloaded(reply);
    whenAnswered(reply, release);
  };
  const turn = gate.admit(size);
  if (turn instanceof Promise) return turn.then(entered);
  entered(turn);
  return undefined;
}

function overloaded(reply: FastifyReply): TidemarkError {
  void reply.header('retry-after', '1');
  return new TidemarkError(
    'OVERLOADED',
    'Cannot answer now: the server has as many requests under way as it can answer in good time. Repeat it in a second.',
  );
}

/** Whichever comes: who hangs up leaves an answer that never finishes. */
function whenAnswered({ raw }: FastifyReply, release: Release): void {
  if (raw.destroyed) release();
  else raw.once('finish', release).once('close', release);
}

function budgetsOf({ requests, bytes }: LoadLimits) {
  return {
    isSmall: (size: number) => size < bytes * SMALL_SHARE,
    requests: budget(requests),
    small: budget(bytes),
    coming: budget(bytes * COMING_SHARE),
    whole: turnstile(bytes, LONGEST_WAIT_MILLIS),
  };
}
