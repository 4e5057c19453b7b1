import type { FastifyInstance, FastifyReply } from 'fastify';
import { TidemarkError } from '../core/errors.ts';

/**
 * How much may be under way at once. What one process can do is bounded by its one thread, so more than a fraction of
 * a second's work would only wait in it, and be answered too late for who asked. A body's size says best what a
 * request costs before it is read.
 */
export interface LoadLimits {
  readonly requests: number;
  /**
   * Of their bodies together. One request alone is never too large for it. Bodies of less than a hundredth are counted
   * apart: who announces a large one, and sends it slowly, does not hold them up.
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

/** OVERLOADED when so many values are too many now; they are counted until the request is answered. */
export type Weigh = (reply: FastifyReply, values: number) => void;

/** What a request costs besides its body. */
const REQUEST_BYTES = 512;
const SMALL_SHARE = 0.01;
const READ_ROUTE = '/get-online-features';

/**
 * Refuses requests beyond the limits at once, before their body is read: OVERLOADED, with Retry-After. Reads and
 * writes have limits of their own, and what is asked about the server itself has none. Reads are weighed again by what
 * this returns, when it is known how large their answer will be.
 */
export function shedLoad(app: FastifyInstance, limits: { reads: ReadLimits; writes: LoadLimits }): Weigh {
  const { reads, writes } = limits;
  const budgets = {
    reads: budget(reads.requests, reads.bytes),
    writes: budget(writes.requests, writes.bytes),
    answers: budget(reads.requests, reads.values),
  };
  app.addHook('onRequest', (request, reply, done) => {
    if (request.method !== 'POST') {
      done();
      return;
    }
    const { admit } = request.routeOptions.url === READ_ROUTE ? budgets.reads : budgets.writes;
    const length = Number(request.headers['content-length'] ?? 0);
    const release = admit(REQUEST_BYTES + (Number.isFinite(length) ? length : 0));
    if (release === undefined) {
      done(overloaded(reply));
      return;
    }
    whenAnswered(reply, release);
    done();
  });
  return (reply, values) => {
    const release = budgets.answers.admit(values);
    if (release === undefined) throw overloaded(reply);
    whenAnswered(reply, release);
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
function whenAnswered({ raw }: FastifyReply, release: () => void): void {
  if (raw.destroyed) release();
  else raw.once('finish', release).once('close', release);
}

/** `amount`: of all large requests together, unless there is only one, and of all small ones. */
function budget(requests: number, amount: number) {
  let openRequests = 0;
  const open = { small: 0, large: 0 };
  return {
    /** Undefined: not now. Otherwise called when the request is answered; again is no error. */
    admit(size: number): (() => void) | undefined {
      const kind = size < amount * SMALL_SHARE ? 'small' : 'large';
      if (openRequests >= Math.max(requests, 1)) return undefined;
      if (open[kind] > 0 && open[kind] + size > amount) return undefined;
      openRequests += 1;
      open[kind] += size;
      let isOpen = true;
      return () => {
        if (!isOpen) return;
        isOpen = false;
        openRequests -= 1;
        open[kind] -= size;
      };
    },
  };
}
