import type { ViewVersion } from '../../core/feature-view.ts';
import type { Interval } from '../../core/interval.ts';
import { type PostgresPool, queryOf } from '../../registry/postgres/pool.ts';
import {
  intervalFrom,
  microsColumn,
  microsFrom,
  type RangeRow,
  rangeColumns,
  rangeParameter,
} from '../../registry/postgres/postgres-time.ts';
import type { CommittedWork } from '../ledger.ts';

interface WorkRow extends RangeRow {
  readonly file_path: string | null;
  readonly file_rows: string | null;
  readonly file_bytes: string | null;
  readonly file_digest: string | null;
  readonly revision: number;
  readonly committed: string;
}

/**
 * What others have cut in pieces, and what was done again to the same effect, is one work: it has one range, one
 * revision and one time, which no other has (invariant 5).
 */
export async function history(
  pool: PostgresPool,
  { project, view, version }: ViewVersion,
  range: Interval,
): Promise<readonly CommittedWork[]> {
  const rows = await queryOf(pool)<WorkRow>(
    `select distinct on (revision, claimed_range) ${rangeColumns('claimed_range')}, file_path, file_rows,
       file_bytes, file_digest, revision, ${microsColumn('committed_at')} as committed
     from ledger_attempts
     where version_id = (select id from ledger_versions where project = $1 and view = $2 and version = $3)
       and state in ('done', 'empty', 'superseded') and claimed_range && $4
     order by revision, claimed_range, committed_at`,
    [project, view, version, rangeParameter(range)],
  );
  return rows.map((row) => ({
    range: intervalFrom(row),
    revision: row.revision,
    committedAt: microsFrom(row.committed),
    file:
      row.file_path === null || row.file_digest === null
        ? null
        : {
            path: row.file_path,
            rows: Number(row.file_rows),
            bytes: Number(row.file_bytes),
            digest: row.file_digest,
          },
  }));
}
