import { type PostgresPool, queryOf, transaction } from '../../registry/postgres/pool.ts';
import type { UnreadableSegments } from '../unreadable-segments.ts';

interface SegmentRow {
  readonly project: string;
  readonly source: string;
  readonly host: string;
  readonly path: string;
  readonly bytes: string;
  readonly reason: string | null;
}

/** On a pool whose schema is up to date. */
export function createPostgresUnreadableSegments(pool: PostgresPool): UnreadableSegments {
  return {
    async note(log, segments) {
      await transaction(pool, async (query) => {
        await query(`delete from unreadable_segments where log = $1 and path <> all($2)`, [
          log,
          segments.map(({ path }) => path),
        ]);
        for (const { project, source, host, path, bytes, reason } of segments) {
          await query(
            `insert into unreadable_segments as known (log, path, project, source, host, bytes, reason)
             values ($1, $2, $3, $4, $5, $6, $7)
             on conflict (log, path) do update set host = excluded.host, bytes = excluded.bytes,
               reason = coalesce(excluded.reason, known.reason), seen_at = excluded.seen_at`,
            [log, path, project, source, host, bytes, reason],
          );
        }
      });
    },

    async of(project) {
      const rows = await queryOf(pool)<SegmentRow>(
        `select project, source, host, path, bytes, reason from unreadable_segments
         where project = $1 and seen_at > clock_timestamp() - interval '7 days' order by path`,
        [project],
      );
      return rows.map((row) => ({ ...row, bytes: Number(row.bytes) }));
    },
  };
}
