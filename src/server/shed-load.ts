import type { FastifyInstance } from 'fastify';
import { TidemarkError } from '../core/errors.ts';

/**
 * How much may be under way at once. What one process can do is bounded by its one thread, so more than a fraction of
 * a second's work would only wait in it, and be answered too late for who asked. A body's size says best what a
 * request costs before it is read.
 */
export interface LoadLimits {
  readonly requests: number;
  /** Of their bodies together. One request alone is never too large for it. */
  readonly bytes: number;
}

/** A thousand reads of an entity, or three hundred of five hundred entities: a third of a second's work. */
export const READ_LIMITS: LoadLimits = { requests: 1000, bytes: 1024 * 1024 };
/** Writes wait for disks and others' servers. */
export const WRITE_LIMITS: LoadLimits = { requests: 200, bytes: 32 * 1024 * 1024 };

/** What a request costs besides its body. */
const REQUEST_BYTES = 512;
const READ_ROUTE = '/get-online-features';

/**
 * Refuses requests beyond the limits at once, before their body is read: OVERLOADED, with Retry-After. Reads and
 * writes have limits of their own, and what is asked about the server itself has none.
 */
export function shedLoad(app: FastifyInstance, limits: { reads: LoadLimits; writes: LoadLimits }): void {
  const budgets = { reads: budget(limits.reads), writes: budget(limits.writes) };
  app.addHook('onRequest', (request, reply, done) => {
    if (request.method !== 'POST') {
      done();
      return;
    }
    const { admit } = request.routeOptions.url === READ_ROUTE ? budgets.reads : budgets.writes;
    const length = Number(request.headers['content-length'] ?? 0);
    const release = admit(REQUEST_BYTES + (Number.isFinite(length) ? length : 0));
    if (release === undefined) {
      void reply.header('retry-after', '1');
      done(
        new TidemarkError(
          'OVERLOADED',
          'Cannot answer now: the server has as many requests under way as it can answer in good time. Repeat it in a second.',
        ),
      );
      return;
    }
    // Whichever comes: who hangs up leaves an answer that never finishes.
    reply.raw.once('finish', release).once('close', release);
    done();
  });
}

function budget({ requests, bytes }: LoadLimits) {
  let openRequests = 0;
  let openBytes = 0;
  return {
    /** Undefined: not now. Otherwise called when the request is answered; again is no error. */
    admit(size: number): (() => void) | undefined {
      if (openRequests > 0 && (openRequests >= requests || openBytes + size > bytes)) return undefined;
      openRequests += 1;
      openBytes += size;
      let open = true;
      return () => {
        if (!open) return;
        open = false;
        openRequests -= 1;
        openBytes -= size;
      };
    },
  };
}
