import { formatViewVersion } from '../../core/feature-view.ts';
import type { Change } from '../registry.ts';
import { type PostgresPool, queryOf } from './pool.ts';
import { microsColumn, microsFrom } from './postgres-time.ts';

interface ChangeRow {
  readonly revision: number;
  readonly kind: Change['kind'];
  readonly name: string;
  readonly version: number;
  readonly change: Change['change'];
  readonly applied_by: string;
  readonly commit_id: string | null;
  readonly at: string;
}

/** A row that begins where one of the same object ended is a change; one that ends with no successor a removal. */
const HISTORY = `
  with changes as (
    select valid_from_revision as revision, kind, name, version,
      case when exists (
        select from objects earlier where earlier.project = o.project and earlier.kind = o.kind
          and earlier.name = o.name and earlier.version = o.version
          and earlier.valid_to_revision = o.valid_from_revision
      ) then 'changed' else 'added' end as change
    from objects o where project = $1
    union all
    select valid_to_revision, kind, name, version, 'removed'
    from objects o where project = $1 and valid_to_revision is not null and not exists (
      select from objects later where later.project = o.project and later.kind = o.kind
        and later.name = o.name and later.version = o.version
        and later.valid_from_revision = o.valid_to_revision
    )
  )
  select c.*, a.applied_by, a.commit_id, ${microsColumn('a.applied_at')} as at
  from changes c join applies a on a.project = $1 and a.revision = c.revision
  order by c.revision desc, c.kind, c.name, c.version limit $2`;

export async function history(
  pool: PostgresPool,
  project: string,
  limit: number,
): Promise<readonly Change[]> {
  const rows = await queryOf(pool)<ChangeRow>(HISTORY, [project, limit]);
  return rows.map((row) => ({
    revision: row.revision,
    kind: row.kind,
    object: row.version === 0 ? row.name : formatViewVersion({ view: row.name, version: row.version }),
    change: row.change,
    by: row.applied_by,
    commit: row.commit_id,
    at: microsFrom(row.at),
  }));
}
