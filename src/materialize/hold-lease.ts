import { TidemarkError } from '../core/errors.ts';
import type { Clock } from '../core/time.ts';
import type { Lease, Ledger } from '../ledger/ledger.ts';

/**
 * Runs work under a lease, renewing it three times per lease period. The work's signal is aborted when the lease
 * is lost (somebody took over, or the ledger was out of reach for a whole lease) or the caller's own signal is.
 */
export async function holdLease<T>(
  lease: Lease,
  work: (signal: AbortSignal) => Promise<T>,
  {
    ledger,
    clock,
    signal,
  }: { readonly ledger: Ledger; readonly clock: Clock; readonly signal?: AbortSignal },
): Promise<T> {
  const lost = new AbortController();
  let renewedAt = clock();
  const renewal = setInterval(
    () => {
      const now = clock();
      ledger.renew(lease, now).then(
        () => {
          renewedAt = now;
        },
        (error: unknown) => {
          const taken = error instanceof TidemarkError && error.code === 'LEASE_LOST';
          if (taken || clock() - renewedAt > lease.leaseFor) lost.abort(error);
        },
      );
    },
    Number(lease.leaseFor / 3000n),
  );
  try {
    return await work(signal === undefined ? lost.signal : AbortSignal.any([lost.signal, signal]));
  } catch (error) {
    if (lost.signal.aborted && !signal?.aborted) throw lost.signal.reason;
    throw error;
  } finally {
    clearInterval(renewal);
  }
}
