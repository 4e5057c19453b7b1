import type { LateInput } from '../../ledger/late-input.ts';
import { type PostgresPool, queryOf } from '../../registry/postgres/pool.ts';
import { intervalFrom, type RangeRow, rangeColumns } from '../../registry/postgres/postgres-time.ts';

/**
 * A file is new to a committed range when the snapshot under which the range's work began did not hold it yet: exact,
 * whatever the clocks say and however long its transaction took. The time is asked too, because a database that was
 * restored from a dump begins to count its transactions anew.
 *
 * Files from before the last look are left out, with an hour for transactions that took long: nothing was late then,
 * and ranges that were begun since have read them. The next look begins at what is late now, or at the oldest work
 * that is under way.
 */
const LATE_RANGES = `
  with of_version as (
    select id, int4range(id, id, '[]') as ids from ledger_versions
    where project = $1 and view = $2 and version = $3
  ),
  found as (
    select reading.range * reached.range as late, file.recorded_at
    from pushed_files file
    cross join lateral unnest(file.event_times) as times(range)
    cross join lateral (
      select tstzrange(
        lower(times.range), upper(times.range) + $5::double precision * interval '1 microsecond'
      ) as range
    ) reached
    join ledger_readings reading
      on reading.version_ids && (select ids from of_version) and reading.range && reached.range
    where file.project = $1 and file.source = $4 and not file.is_merged
      and file.recorded_at >= coalesce((
        select checked_until - interval '1 hour' from pushed_files_checked
        where version_id = (select id from of_version) and source = $4
      ), '-infinity')
      and (not pg_visible_in_snapshot(file.recorded_in, reading.begun_in)
        or file.recorded_at > reading.begun_at)
  ),
  checked as (
    insert into pushed_files_checked as known (version_id, source, checked_until)
    select id, $4, least(
      statement_timestamp(),
      (select min(recorded_at) from found),
      (select min(begun_at) from ledger_attempts where version_id = id and state = 'running')
    ) from of_version
    on conflict (version_id, source) do update set checked_until = excluded.checked_until
      where known.checked_until < excluded.checked_until - interval '1 minute'
  )
  select ${rangeColumns('late')} from (select unnest(range_agg(late)) as late from found) merged
  order by start_at`;

/** Late rows of push sources; of others it knows nothing. */
export function createLatePushedRows(pool: PostgresPool): LateInput {
  return {
    async lateRanges({ version: { project, view, version }, source, reach }) {
      if (source.kind !== 'push') return [];
      const rows = await queryOf(pool)<RangeRow>(LATE_RANGES, [
        project,
        view,
        version,
        source.name,
        String(reach),
      ]);
      return rows.map(intervalFrom);
    },
  };
}
