import { setTimeout as sleep } from 'node:timers/promises';
import { TidemarkError } from '../core/errors.ts';
import type { Clock } from '../core/time.ts';
import type { Claim, ClaimRequest, Ledger } from '../ledger/ledger.ts';

const POLL_MILLIS = 500;

/** Claims a range, waiting while somebody else holds it: their work may make ours unnecessary. */
export async function claimRange(
  request: Omit<ClaimRequest, 'now'>,
  {
    ledger,
    clock,
    signal,
    onWait,
  }: {
    readonly ledger: Ledger;
    readonly clock: Clock;
    readonly signal?: AbortSignal;
    readonly onWait?: () => void;
  },
): Promise<Exclude<Claim, { kind: 'busy' }>> {
  for (;;) {
    if (signal?.aborted) throw new TidemarkError('CANCELLED', 'Cancelled while waiting for a lease.');
    const claim = await ledger.claim({ ...request, now: clock() });
    if (claim.kind !== 'busy') return claim;
    onWait?.();
    await sleep(POLL_MILLIS, undefined, signal === undefined ? {} : { signal }).catch(() => undefined);
  }
}
