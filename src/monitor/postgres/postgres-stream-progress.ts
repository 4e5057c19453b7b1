import { formatViewVersion } from '../../core/feature-view.ts';
import { type PostgresPool, queryOf } from '../../registry/postgres/pool.ts';
import { microsColumn, microsFrom, timeParameter } from '../../registry/postgres/postgres-time.ts';
import type { StreamProgress } from '../stream-progress.ts';

/** On a pool whose schema `migrate` has brought up to date with `monitorMigrations`. */
export function createPostgresStreamProgress(pool: PostgresPool): StreamProgress {
  return {
    async note({ project, view, version }, newest) {
      await queryOf(pool)(
        `insert into stream_progress (project, view, version, newest_event) values ($1, $2, $3, $4)
         on conflict (project, view, version) do update set newest_event = excluded.newest_event
         where stream_progress.newest_event < excluded.newest_event`,
        [project, view, version, timeParameter(newest)],
      );
    },
    async newest(project) {
      const rows = await queryOf(pool)<{ view: string; version: number; at: string }>(
        `select view, version, ${microsColumn('newest_event')} as at from stream_progress where project = $1`,
        [project],
      );
      return new Map(
        rows.map(({ view, version, at }) => [formatViewVersion({ view, version }), microsFrom(at)]),
      );
    },
  };
}
