import type { ServiceSet } from '../service-set.ts';
import { type PostgresPool, queryOf } from './pool.ts';
import { microsColumn, microsFrom, timeParameter } from './postgres-time.ts';

export async function addServiceSet(
  pool: PostgresPool,
  { project, service, id, rows, knownAt, createdAt }: ServiceSet,
): Promise<void> {
  await queryOf(pool)(
    `insert into service_sets (project, service, id, rows, known_at, created_at) values ($1, $2, $3, $4, $5, $6)
     on conflict (project, service, id) do update set rows = excluded.rows, created_at = excluded.created_at`,
    [project, service, id, rows, knownAt, timeParameter(createdAt)],
  );
}

interface SetRow {
  readonly id: string;
  readonly rows: string;
  readonly known_at: string;
  readonly created: string;
}

export async function serviceSets(
  pool: PostgresPool,
  { project, service, limit }: Pick<ServiceSet, 'project' | 'service'> & { readonly limit: number },
): Promise<readonly ServiceSet[]> {
  const rows = await queryOf(pool)<SetRow>(
    `select id, rows, known_at, ${microsColumn('created_at')} as created from service_sets
     where project = $1 and service = $2 order by created_at desc, id collate "C" limit $3`,
    [project, service, limit],
  );
  return rows.map((row) => ({
    project,
    service,
    id: row.id,
    rows: Number(row.rows),
    knownAt: row.known_at,
    createdAt: microsFrom(row.created),
  }));
}
