import type { ViewVersion } from '../../core/feature-view.ts';
import type { Interval } from '../../core/interval.ts';
import { addDuration, type Micros } from '../../core/time.ts';
import { type PostgresPool, queryOf, transaction } from '../../registry/postgres/pool.ts';
import {
  intervalFrom,
  type RangeRow,
  rangeColumns,
  rangeParameter,
  timeParameter,
} from '../../registry/postgres/postgres-time.ts';
import type { Decision, Lease, Release } from '../ledger.ts';
import { forgetOldFailures } from './forget-old-failures.ts';
import { leaseLost, lockLease, notStaged } from './held-lease.ts';
import { lockVersion, SAME_VERSION } from './version-row.ts';

/** One row, one statement: renewals are frequent and must not wait for the version's lock. */
export async function renew(pool: PostgresPool, lease: Lease, now: Micros): Promise<void> {
  const { project, view, version } = lease.version;
  const renewed = await queryOf(pool)(
    `update ledger_attempts set lease_until = $5
     where version_id = (select id from ledger_versions where project = $1 and view = $2 and version = $3)
       and fence = $4 and state = 'running'
     returning id`,
    [project, view, version, lease.fence, timeParameter(addDuration(now, lease.leaseFor))],
  );
  if (renewed.length === 0) throw leaseLost('renew the lease on', lease);
}

export function release(pool: PostgresPool, lease: Lease, outcome: Release, now: Micros): Promise<void> {
  return transaction(pool, async (query) => {
    const held = await lockLease(query, lease);
    if (held.kind === 'released') return;
    if (held.kind !== 'running') throw leaseLost('release', lease);
    if (outcome.kind === 'held' && held.attempt.effect_key === null) throw notStaged('hold', lease);
    await query(`update ledger_attempts set state = $2, reason = $3, ended_at = $4 where id = $1`, [
      held.attempt.id,
      outcome.kind,
      outcome.kind === 'held' ? outcome.reason : outcome.error,
      timeParameter(now),
    ]);
    if (outcome.kind === 'failed') await forgetOldFailures(query, held.versionId);
  });
}

export function decide(
  pool: PostgresPool,
  version: ViewVersion,
  range: Interval,
  decision: Decision,
  now: Micros,
): Promise<readonly Interval[]> {
  return transaction(pool, async (query) => {
    const versionId = await lockVersion(query, version);
    if (versionId === undefined) return [];
    const isApproval = decision.kind === 'approve';
    const rows = await query<RangeRow>(
      `update ledger_attempts set
         state = case when $3 then 'approved' else 'failed' end,
         approved_effect_key = case when $3 then effect_key end,
         reason = case when $3 then reason else format('rejected by %s: %s', $4::text, reason) end,
         decided_by = $4, ended_at = $5
       where ${SAME_VERSION} and range && $2 and range <@ $2 and state = 'held'
       returning ${rangeColumns('range')}`,
      [versionId, rangeParameter(range), isApproval, decision.by, timeParameter(now)],
    );
    if (!isApproval) await forgetOldFailures(query, versionId);
    return rows.map(intervalFrom).toSorted((a, b) => (a.start < b.start ? -1 : 1));
  });
}
