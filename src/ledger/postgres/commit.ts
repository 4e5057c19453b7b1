import { subtract } from '../../core/interval.ts';
import type { Micros } from '../../core/time.ts';
import { type PostgresPool, type Query, transaction } from '../../registry/postgres/pool.ts';
import {
  intervalFrom,
  type RangeRow,
  rangeColumns,
  rangeParameter,
  timeParameter,
} from '../../registry/postgres/postgres-time.ts';
import type { Lease } from '../ledger.ts';
import { leaseLost, lockLease, notStaged } from './held-lease.ts';
import { SAME_VERSION } from './version-row.ts';

export function commit(pool: PostgresPool, lease: Lease, now: Micros): Promise<void> {
  return transaction(pool, async (query) => {
    const held = await lockLease(query, lease);
    if (held.kind === 'committed') return;
    if (held.kind !== 'running') throw leaseLost('commit', lease);
    const { versionId, attempt } = held;
    if (attempt.effect_key === null) throw notStaged('commit', lease);
    const committedAt = await sameWorkSince(query, versionId, lease, attempt.effect_key);
    await makeRoom(query, versionId, lease, now);
    await query(
      `update ledger_attempts set state = $2, committed_at = coalesce($3::timestamptz, $4), ended_at = $4
       where id = $1`,
      [attempt.id, attempt.file_path === null ? 'empty' : 'done', committedAt, timeParameter(now)],
    );
  });
}

/** When exactly this work was committed already: doing it again changes nothing that readers see. */
async function sameWorkSince(
  query: Query,
  versionId: number,
  { range }: Lease,
  effectKey: string,
): Promise<string | null> {
  const [row] = await query<{ committed: string }>(
    `select committed_at::text as committed from ledger_attempts
     where ${SAME_VERSION} and range && $2 and range = $2 and claimed_range = $2 and effect_key = $3
       and state in ('done', 'empty')`,
    [versionId, rangeParameter(range), effectKey],
  );
  return row?.committed ?? null;
}

/** The columns of a committed row that its pieces share. */
const SHARED = `version_id, fence, claimed_range, state, owner, run_id, restate, claimed_at, lease_until,
  approved_effect_key, effect_key, input_digest, revision, staged_at, file_path, file_rows, file_bytes,
  file_digest, ended_at, committed_at, begun_at, begun_in`;

/** Takes the lease's range out of what is committed: whole rows become history, others are trimmed or split. */
async function makeRoom(query: Query, versionId: number, { range }: Lease, now: Micros): Promise<void> {
  const replaced = await query<RangeRow & { id: string }>(
    `select id, ${rangeColumns('range')} from ledger_attempts
     where ${SAME_VERSION} and range && $2 and state in ('done', 'empty')`,
    [versionId, rangeParameter(range)],
  );
  for (const row of replaced) {
    const [first, second] = subtract(intervalFrom(row), [range]);
    if (first === undefined) {
      await query(`update ledger_attempts set state = 'superseded', superseded_at = $2 where id = $1`, [
        row.id,
        timeParameter(now),
      ]);
      continue;
    }
    await query(`update ledger_attempts set range = $2 where id = $1`, [row.id, rangeParameter(first)]);
    if (second === undefined) continue;
    await query(
      `insert into ledger_attempts (range, ${SHARED}) select $2::tstzrange, ${SHARED} from ledger_attempts where id = $1`,
      [row.id, rangeParameter(second)],
    );
  }
}
