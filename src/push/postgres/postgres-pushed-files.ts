import type { Interval } from '../../core/interval.ts';
import { type PostgresPool, queryOf, transaction } from '../../registry/postgres/pool.ts';
import { microsFrom, rangeParameter, timeParameter } from '../../registry/postgres/postgres-time.ts';
import type { PushedFile, PushedFiles } from '../pushed-files.ts';

interface FileRow {
  readonly path: string;
  readonly rows: string;
  readonly bytes: string;
  readonly digest: string;
  /** Starts and ends in turn, in microseconds. */
  readonly bounds: readonly string[];
}

/** The record of pushed files in Postgres, on a pool whose schema is up to date. */
export function createPostgresPushedFiles(pool: PostgresPool): PushedFiles {
  const query = queryOf(pool);
  return {
    async record({ project, source, path, rows, bytes, digest, eventTimes }) {
      await query(
        `insert into pushed_files (project, source, path, rows, bytes, digest, event_times)
         values ($1, $2, $3, $4, $5, $6, $7) on conflict (path) do nothing`,
        [project, source, path, rows, bytes, digest, timesParameter(eventTimes)],
      );
    },

    async isRecorded(path) {
      const rows = await query(`select 1 from pushed_files where path = $1`, [path]);
      return rows.length > 0;
    },

    async files({ project, source }, range = {}) {
      const rows = await query<FileRow>(
        `select path, rows, bytes, digest, array(
           select (extract(epoch from bound) * 1000000)::bigint::text
           from unnest(event_times) as times(range)
           cross join lateral unnest(array[lower(times.range), upper(times.range)]) as bound
           order by bound
         ) as bounds
         from pushed_files
         where project = $1 and source = $2 and event_times && tstzrange($3, $4) and replaced_at is null
         order by id`,
        [
          project,
          source,
          range.from === undefined ? null : timeParameter(range.from),
          range.to === undefined ? null : timeParameter(range.to),
        ],
      );
      return rows.map(
        (row): PushedFile => ({
          project,
          source,
          path: row.path,
          rows: Number(row.rows),
          bytes: Number(row.bytes),
          digest: row.digest,
          eventTimes: intervalsFrom(row.bounds),
        }),
      );
    },

    replace(paths, by) {
      return transaction(pool, async (query) => {
        const old = await query(
          `select id from pushed_files where path = any($1) and replaced_at is null order by id for update`,
          [paths],
        );
        if (old.length !== paths.length) return false;
        await query(
          `with merged as (
             insert into pushed_files (project, source, path, rows, bytes, digest, event_times, is_merged)
             values ($2, $3, $4, $5, $6, $7, $8, true) returning id
           )
           update pushed_files set replaced_by = merged.id, replaced_at = clock_timestamp()
           from merged where path = any($1)`,
          [
            paths,
            by.project,
            by.source,
            by.path,
            by.rows,
            by.bytes,
            by.digest,
            timesParameter(by.eventTimes),
          ],
        );
        return true;
      });
    },

    async replaced({ project, source }, longerThan) {
      const rows = await query<{ path: string }>(
        `select path from pushed_files
         where project = $1 and source = $2 and replaced_at is not null and removed_at is null
           and replaced_at < clock_timestamp() - $3::double precision * interval '1 microsecond'`,
        [project, source, String(longerThan)],
      );
      return rows.map(({ path }) => path);
    },

    async removed(paths) {
      await query(`update pushed_files set removed_at = clock_timestamp() where path = any($1)`, [paths]);
    },
  };
}

function timesParameter(times: readonly Interval[]): string {
  return `{${times.map(rangeParameter).join(',')}}`;
}

function intervalsFrom(bounds: readonly string[]): readonly Interval[] {
  return bounds.flatMap((start, at) => {
    const end = bounds[at + 1];
    return at % 2 === 1 || end === undefined ? [] : [{ start: microsFrom(start), end: microsFrom(end) }];
  });
}
