import type { LateInput } from '../../ledger/late-input.ts';
import { type PostgresPool, queryOf } from '../../registry/postgres/pool.ts';
import { intervalFrom, type RangeRow, rangeColumns } from '../../registry/postgres/postgres-time.ts';

/**
 * A file is new to a committed range when the snapshot under which the range's work began did not hold it yet: exact,
 * whatever the clocks say and however long its transaction took. The time is asked too, because a database that was
 * restored from a dump begins to count its transactions anew.
 */
const LATE_RANGES = `
  select ${rangeColumns('late')} from (
    select unnest(range_agg(reading.range * reached.range)) as late
    from pushed_files file
    cross join lateral unnest(file.event_times) as times(range)
    cross join lateral (
      select tstzrange(lower(times.range), upper(times.range) + $5::double precision * interval '1 microsecond') as range
    ) reached
    join ledger_readings reading
      on reading.project = $1 and reading.view = $2 and reading.version = $3 and reading.range && reached.range
    where file.project = $1 and file.source = $4
      and (not pg_visible_in_snapshot(file.recorded_in, reading.begun_in)
        or file.recorded_at > reading.begun_at)
  ) found
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
