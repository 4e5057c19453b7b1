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
import type { CommittedFile, Coverage } from '../ledger.ts';

interface CoverageRow extends RangeRow {
  readonly state: 'committed' | 'running' | 'held' | 'approved' | 'failed';
  readonly owner: string | null;
  readonly reason: string | null;
  readonly at: string | null;
}

/**
 * One statement, so that the lists are of one moment. A failure counts where no later attempt was made: the
 * newest attempt on each stretch of time says what it is in.
 */
const COVERAGE = `
  with of_version as (select id from ledger_versions where project = $1 and view = $2 and version = $3),
  attempts as (
    select a.* from ledger_attempts a where a.version_id = (select id from of_version)
      and a.state in ('done', 'empty', 'running', 'held', 'approved', 'failed')
  ),
  failures as (
    select fence, reason, ended_at,
      unnest(tstzmultirange(range) - coalesce((
        select range_agg(later.range) from attempts later
        where later.fence > failure.fence and later.range && failure.range
      ), '{}'::tstzmultirange)) as range
    from attempts failure where state = 'failed'
  )
  select 'committed' as state, ${rangeColumns('range')}, null as owner, null as reason, null::bigint as at
  from (select unnest(range_agg(range)) as range from attempts where state in ('done', 'empty')) merged
  union all
  select state, ${rangeColumns('range')}, owner, null, ${microsColumn('lease_until')}
  from attempts where state = 'running'
  union all
  select state, ${rangeColumns('range')}, null, reason, ${microsColumn('ended_at')}
  from attempts where state in ('held', 'approved')
  union all
  select 'failed', ${rangeColumns('range')}, null, reason, ${microsColumn('ended_at')} from failures
  order by start_at`;

export async function coverage(
  pool: PostgresPool,
  { project, view, version }: ViewVersion,
): Promise<Coverage> {
  const rows = await queryOf(pool)<CoverageRow>(COVERAGE, [project, view, version]);
  const of = (state: CoverageRow['state']) => rows.filter((row) => row.state === state);
  const at = (row: CoverageRow) => microsFrom(row.at ?? '0');
  return {
    committed: of('committed').map(intervalFrom),
    running: of('running').map((row) => ({ ...intervalFrom(row), owner: row.owner ?? '', until: at(row) })),
    held: of('held').map((row) => ({ ...intervalFrom(row), reason: row.reason ?? '', since: at(row) })),
    approved: of('approved').map(intervalFrom),
    failed: of('failed').map((row) => ({ ...intervalFrom(row), error: row.reason ?? '', at: at(row) })),
  };
}

interface FileRow extends RangeRow {
  readonly claimed_start: string;
  readonly claimed_end: string;
  readonly file_path: string;
  readonly file_rows: string;
  readonly file_bytes: string;
  readonly file_digest: string;
  readonly input_digest: string;
  readonly revision: number;
  readonly committed: string;
}

export async function files(
  pool: PostgresPool,
  { project, view, version }: ViewVersion,
  range: Interval | undefined,
): Promise<readonly CommittedFile[]> {
  const rows = await queryOf(pool)<FileRow>(
    `select ${rangeColumns('range')}, ${microsColumn('lower(claimed_range)')} as claimed_start,
       ${microsColumn('upper(claimed_range)')} as claimed_end, file_path, file_rows, file_bytes, file_digest,
       input_digest, revision, ${microsColumn('committed_at')} as committed
     from ledger_attempts
     where version_id = (select id from ledger_versions where project = $1 and view = $2 and version = $3)
       and state = 'done' and ($4::tstzrange is null or range && $4)
     order by range`,
    [project, view, version, range === undefined ? null : rangeParameter(range)],
  );
  return rows.map((row) => ({
    path: row.file_path,
    range: intervalFrom(row),
    fileRange: { start: microsFrom(row.claimed_start), end: microsFrom(row.claimed_end) },
    revision: row.revision,
    rows: Number(row.file_rows),
    bytes: Number(row.file_bytes),
    digest: row.file_digest,
    inputDigest: row.input_digest,
    committedAt: microsFrom(row.committed),
  }));
}
