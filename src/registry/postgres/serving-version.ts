import { TidemarkError } from '../../core/errors.ts';
import { formatViewVersion, type ViewVersion } from '../../core/feature-view.ts';
import { notifyChange } from './listen.ts';
import { type PostgresPool, queryOf, transaction } from './pool.ts';

export async function servingVersions(
  pool: PostgresPool,
  project: string,
): Promise<ReadonlyMap<string, number>> {
  const rows = await queryOf(pool)<{ view: string; version: number }>(
    `select view, version from serving_versions where project = $1 order by view collate "C"`,
    [project],
  );
  return new Map(rows.map(({ view, version }) => [view, version]));
}

export function setServingVersion(pool: PostgresPool, of: ViewVersion, by: string): Promise<void> {
  const { project, view, version } = of;
  return transaction(pool, async (query) => {
    // Locked, so that an apply which removes a version waits, and then sees that it serves.
    const live = await query<{ version: number }>(
      `select version from objects where project = $1 and name = $2
         and kind in ('batch_view', 'on_demand_view') and valid_to_revision is null
       order by version for share`,
      [project, view],
    );
    if (!live.some((row) => row.version === version)) {
      throw new TidemarkError(
        'UNKNOWN_VIEW',
        `Cannot serve ${formatViewVersion(of)} in project "${project}": ${versionsSentence(view, live)}`,
      );
    }
    await query(
      `insert into serving_versions (project, view, version, set_by) values ($1, $2, $3, $4)
       on conflict (project, view)
       do update set version = excluded.version, set_by = excluded.set_by, set_at = now()
       where serving_versions.version <> excluded.version`,
      [project, view, version, by],
    );
    await notifyChange(query, project);
  });
}

function versionsSentence(view: string, live: readonly { readonly version: number }[]): string {
  const versions = live.map((row) => row.version);
  if (versions.length === 0) return `the registry has no view "${view}".`;
  const list = versions.length === 1 ? `version ${versions[0]}` : `versions ${versions.join(', ')}`;
  return `the registry has ${list} of it.`;
}
