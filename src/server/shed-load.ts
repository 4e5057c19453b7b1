import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { TidemarkError } from '../core/errors.ts';

/**
 * How much may be under way at once. What one process can do is bounded by its one thread, so more than a fraction of
 * a second's work would only wait in it, and be answered too late for who asked. A body's size says best what a
 * request costs before it is read.
 */
export interface LoadLimits {
  readonly requests: number;
  /**
   * Of their bodies together, as they have come whole; of those that are still on their way eight times as much, so
   * that who sends slowly holds up nobody. One request alone is never too large for it. Bodies of less than a hundredth
   * are counted apart: they are let in while large ones wait.
   */
  readonly bytes: number;
}

export interface ReadLimits extends LoadLimits {
  /**
   * Of the answers together, known when the body has been read; one request alone is never too large for it. Requests
   * of less than a hundredth are counted apart: who reads a large answer slowly does not hold them up.
   */
  readonly values: number;
}

/** A thousand reads of an entity, or three hundred of five hundred entities: a third of a second's work. */
export const READ_LIMITS: ReadLimits = { requests: 1000, bytes: 1024 * 1024, values: 2_000_000 };
/** Small ones wait for disks and others' servers together; a hundred thousand rows are a second's work. */
export const WRITE_LIMITS: LoadLimits = { requests: 200, bytes: 4 * 1024 * 1024 };

export interface LoadShedding {
  /** To be asked when a body has come whole, before it is parsed: OVERLOADED when it is too much now. */
  readonly refusal: (request: FastifyRequest, bytes: number) => TidemarkError | undefined;
  readonly weigh: Weigh;
}

/** OVERLOADED when so many values are too many now; they are counted until the request is answered. */
export type Weigh = (reply: FastifyReply, values: number) => void;

/** What a request costs besides its body. */
const REQUEST_BYTES = 512;
const SMALL_SHARE = 0.01;
/** Bytes that wait to be whole take memory, and no time. */
const COMING_SHARE = 8;
const READ_ROUTE = '/get-online-features';

/**
 * Refuses requests beyond the limits at once, before their body is read: OVERLOADED, with Retry-After. Reads and
 * writes have limits of their own, and what is asked about the server itself has none. What a body's announcement left
 * open is decided when it has come whole, before it is parsed. Reads are weighed again when it is known how large their
 * answer will be.
 */
export function shedLoad(
  app: FastifyInstance,
  limits: { reads: ReadLimits; writes: LoadLimits },
): LoadShedding {
  const reads = budgetsOf(limits.reads);
  const writes = budgetsOf(limits.writes);
  const answers = { small: budget(limits.reads.values), large: budget(limits.reads.values) };
  const expected = new WeakMap<FastifyRequest, { readonly reply: FastifyReply; readonly body: Release }>();
  const budgetsFor = (request: FastifyRequest) => (request.routeOptions.url === READ_ROUTE ? reads : writes);

  app.addHook('onRequest', (request, reply, done) => {
    if (request.method !== 'POST') {
      done();
      return;
    }
    const budgets = budgetsFor(request);
    const announced = Number(request.headers['content-length'] ?? Number.NaN);
    const size = REQUEST_BYTES + (Number.isFinite(announced) ? announced : 0);
    const one = budgets.requests.admit(1);
    const body = one && budgets.expect(size);
    if (one === undefined || body === undefined) {
      one?.();
      done(overloaded(reply));
      return;
    }
    whenAnswered(reply, () => {
      one();
      body();
    });
    // Nothing more of one that is small and said so: it has its size when it has come.
    if (!Number.isFinite(announced) || !budgets.isSmall(size)) expected.set(request, { reply, body });
    done();
  });
  return {
    refusal(request, bytes) {
      const { isSmall, whole } = budgetsFor(request);
      const found = expected.get(request);
      // A small one goes on being counted as it was announced.
      if (found === undefined || isSmall(REQUEST_BYTES + bytes)) return undefined;
      found.body();
      const release = whole.admit(REQUEST_BYTES + bytes);
      if (release === undefined) return overloaded(found.reply);
      whenAnswered(found.reply, release);
      return undefined;
    },
    weigh(reply, values) {
      const kind = values < limits.reads.values * SMALL_SHARE ? 'small' : 'large';
      const release = answers[kind].admit(values);
      if (release === undefined) throw overloaded(reply);
      whenAnswered(reply, release);
    },
  };
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
  const small = budget(bytes);
  const coming = budget(bytes * COMING_SHARE);
  const whole = budget(bytes);
  const isSmall = (size: number) => size < bytes * SMALL_SHARE;
  return {
    isSmall,
    requests: budget(requests),
    whole,
    /** Undefined: not now. What cannot be taken as it is now need not be sent. */
    expect(size: number): Release | undefined {
      if (isSmall(size)) return small.admit(size);
      return whole.hasRoom(size) ? coming.admit(size) : undefined;
    },
  };
}

/** Gives back what was admitted; again is no error. */
type Release = () => void;

/** `amount`: of all that is admitted together, unless there is only one. */
function budget(amount: number) {
  let open = 0;
  const hasRoom = (size: number) => open === 0 || open + size <= amount;
  return {
    hasRoom,
    /** Undefined: not now. */
    admit(size: number): Release | undefined {
      if (!hasRoom(size)) return undefined;
      open += size;
      let isOpen = true;
      return () => {
        if (!isOpen) return;
        isOpen = false;
        open -= size;
      };
    },
  };
}
