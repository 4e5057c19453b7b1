import type { ScheduledSet } from '../scheduled-set.ts';
import { type PostgresPool, queryOf } from './pool.ts';
import { microsColumn, microsFrom, timeParameter } from './postgres-time.ts';

/** A later try of a tick takes the place of an earlier one. */
export async function recordScheduledSet(
  pool: PostgresPool,
  { project, schedule, tick, endedAt, outcome }: ScheduledSet,
): Promise<void> {
  const built = outcome.kind === 'built' ? outcome : undefined;
  const failed = outcome.kind === 'failed' ? outcome : undefined;
  await queryOf(pool)(
    `insert into scheduled_sets (project, schedule, tick, ended_at, training_set, rows, reused, code, message)
     values ($1, $2, $3, $4, $5, $6, $7, $8, $9)
     on conflict (project, schedule, tick) do update set
       ended_at = excluded.ended_at, training_set = excluded.training_set, rows = excluded.rows,
       reused = excluded.reused, code = excluded.code, message = excluded.message`,
    [
      project,
      schedule,
      timeParameter(tick),
      timeParameter(endedAt),
      built?.id ?? null,
      built?.rows ?? null,
      built?.reused ?? null,
      failed?.code ?? null,
      failed?.message ?? null,
    ],
  );
}

interface SetRow {
  readonly schedule: string;
  readonly tick: string;
  readonly ended: string;
  readonly training_set: string | null;
  readonly rows: string | null;
  readonly reused: boolean | null;
  readonly code: string | null;
  readonly message: string | null;
}

export async function lastScheduledSets(
  pool: PostgresPool,
  project: string,
): Promise<readonly ScheduledSet[]> {
  const rows = await queryOf(pool)<SetRow>(
    `select distinct on (schedule collate "C") schedule, training_set, rows, reused, code, message,
       ${microsColumn('tick')} as tick, ${microsColumn('ended_at')} as ended
     from scheduled_sets s where project = $1 order by schedule collate "C", s.tick desc`,
    [project],
  );
  return rows.map((row) => ({
    project,
    schedule: row.schedule,
    tick: microsFrom(row.tick),
    endedAt: microsFrom(row.ended),
    outcome:
      row.training_set === null
        ? { kind: 'failed', code: row.code ?? '', message: row.message ?? '' }
        : { kind: 'built', id: row.training_set, rows: Number(row.rows), reused: row.reused ?? false },
  }));
}
