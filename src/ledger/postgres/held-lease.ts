import { TidemarkError } from '../../core/errors.ts';
import { formatViewVersion } from '../../core/feature-view.ts';
import { formatInterval } from '../../core/interval.ts';
import type { Query } from '../../registry/postgres/pool.ts';
import type { Lease } from '../ledger.ts';
import { lockVersion } from './version-row.ts';

export interface HeldAttempt {
  readonly id: string;
  readonly effect_key: string | null;
  readonly file_path: string | null;
}

/** What a lease's attempt is in, and whether the lease still holds it. */
export type LeaseState =
  | { readonly kind: 'running'; readonly versionId: number; readonly attempt: HeldAttempt }
  | { readonly kind: 'committed' }
  /** Ended by its own holder's release. */
  | { readonly kind: 'released' }
  | { readonly kind: 'lost' };

/** Locks the version and finds the lease's attempt by its fence. */
export async function lockLease(query: Query, lease: Lease): Promise<LeaseState> {
  const versionId = await lockVersion(query, lease.version);
  if (versionId === undefined) return { kind: 'lost' };
  const [attempt] = await query<HeldAttempt & { state: string; is_committed: boolean; taken_over: boolean }>(
    `select id, state, committed_at is not null as is_committed, taken_over, effect_key, file_path
     from ledger_attempts where version_id = $1 and fence = $2 limit 1`,
    [versionId, lease.fence],
  );
  if (attempt === undefined || attempt.taken_over) return { kind: 'lost' };
  if (attempt.is_committed) return { kind: 'committed' };
  return attempt.state === 'running' ? { kind: 'running', versionId, attempt } : { kind: 'released' };
}

export function leaseLost(action: string, lease: Lease): TidemarkError {
  return new TidemarkError(
    'LEASE_LOST',
    `Cannot ${action} ${formatViewVersion(lease.version)} ${formatInterval(lease.range)}: attempt ${lease.fence} no longer holds the range.`,
  );
}

/** A caller that skipped a step of claim, stage, commit: a mistake in the program, not of its user. */
export function notStaged(action: string, lease: Lease): TidemarkError {
  return new TidemarkError(
    'INTERNAL',
    `Cannot ${action} ${formatViewVersion(lease.version)} ${formatInterval(lease.range)}: attempt ${lease.fence} has staged nothing.`,
  );
}
