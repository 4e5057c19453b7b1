import { type PostgresPool, type Query, transaction } from '../../registry/postgres/pool.ts';
import {
  intervalFrom,
  type RangeRow,
  rangeColumns,
  rangeParameter,
} from '../../registry/postgres/postgres-time.ts';
import type { AbandonedFile, Lease, Staged, StagedWork } from '../ledger.ts';
import { leaseLost, lockLease } from './held-lease.ts';
import { SAME_VERSION } from './version-row.ts';

export function stage(pool: PostgresPool, lease: Lease, work: StagedWork): Promise<Staged> {
  return transaction(pool, async (query) => {
    const held = await lockLease(query, lease);
    if (held.kind !== 'running') throw leaseLost('stage work for', lease);
    const revision = await revisionOf(query, held.versionId, lease, work.effectKey);
    const { file } = work;
    await query(
      `update ledger_attempts set effect_key = $2, input_digest = $3, revision = $4, staged_at = now(),
         file_path = $5, file_rows = $6, file_bytes = $7, file_digest = $8
       where id = $1`,
      [
        held.attempt.id,
        work.effectKey,
        work.inputDigest,
        revision,
        file?.path ?? null,
        file?.rows ?? null,
        file?.bytes ?? null,
        file?.digest ?? null,
      ],
    );
    return { revision, abandoned: await abandonedFiles(query, held.versionId, lease, work.effectKey) };
  });
}

/** Of other effects over the range: staged, perhaps published, ended without a commit, and replaced by none since. */
async function abandonedFiles(
  query: Query,
  versionId: number,
  lease: Lease,
  effectKey: string,
): Promise<readonly AbandonedFile[]> {
  const rows = await query<RangeRow & { path: string; revision: number }>(
    `select file_path as path, revision, ${rangeColumns('claimed_range')} from ledger_attempts attempt
     where ${SAME_VERSION} and claimed_range && $2::tstzrange and state = 'failed' and file_path is not null
       and effect_key <> $3 and not exists (
         select from ledger_attempts committed
         where committed.version_id = attempt.version_id and committed.range && attempt.claimed_range
           and committed.state in ('done', 'empty') and committed.revision > attempt.revision)
     order by revision`,
    [versionId, rangeParameter(lease.range), effectKey],
  );
  return rows.map((row) => ({ path: row.path, revision: row.revision, range: intervalFrom(row) }));
}

/**
 * Invariant 5. Whatever was staged may have been published, so other work must get a greater revision than any
 * staged over any part of the range; the very same work, staged again, must get its own.
 *
 * Two works that overlap never share a revision, since the later one got a greater. So the newest overlapping one
 * is a single work, and if it is this one, nothing else was published over the range after it.
 */
async function revisionOf(query: Query, versionId: number, lease: Lease, effectKey: string): Promise<number> {
  const range = rangeParameter(lease.range);
  const [newest] = await query<{ is_same: boolean; revision: number }>(
    `select range = $2::tstzrange and effect_key = $3 as is_same, revision from ledger_revisions
     where ${SAME_VERSION} and range && $2 order by revision desc limit 1`,
    [versionId, range, effectKey],
  );
  if (newest?.is_same) return newest.revision;
  const revision = newest === undefined ? 0 : newest.revision + 1;
  await query(`delete from ledger_revisions where ${SAME_VERSION} and range && $2 and range <@ $2`, [
    versionId,
    range,
  ]);
  await query(
    `insert into ledger_revisions (version_id, range, effect_key, revision) values ($1, $2, $3, $4)`,
    [versionId, range, effectKey, revision],
  );
  return revision;
}
