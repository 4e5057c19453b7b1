import type { Consumer } from '../../core/consumer.ts';
import type { ViewVersion } from '../../core/feature-view.ts';
import type { AppliedManifest, Registry } from '../registry.ts';
import { applyManifest } from './apply-manifest.ts';
import { history } from './history.ts';
import { listenForChanges } from './listen.ts';
import { manifestFrom, type ObjectRow } from './object-rows.ts';
import { type PostgresPool, queryOf } from './pool.ts';
import { microsColumn, microsFrom } from './postgres-time.ts';
import { lastScheduledSets, recordScheduledSet } from './scheduled-sets.ts';
import { addServiceSet, serviceSets } from './service-sets.ts';
import { servingVersions, setServingVersion } from './serving-version.ts';

/**
 * The registry in Postgres (15 or later), on a pool made by `connectPostgres` whose schema `migrate` has brought up to
 * date. `close` ends the pool.
 */
export function createPostgresRegistry(pool: PostgresPool): Registry {
  return {
    load: (project) => load(pool, project),
    apply: (request) => applyManifest(pool, request),
    async projects() {
      const rows = await queryOf(pool)<{ name: string }>(
        `select name from projects order by name collate "C"`,
      );
      return rows.map((row) => row.name);
    },
    servingVersions: (project) => servingVersions(pool, project),
    setServingVersion: (version, by) => setServingVersion(pool, version, by),
    consumers: (version) => consumers(pool, version),
    addTrainingSet: (id, versions) => addTrainingSet(pool, id, versions),
    addServiceSet: (set) => addServiceSet(pool, set),
    serviceSets: (of) => serviceSets(pool, of),
    recordScheduledSet: (set) => recordScheduledSet(pool, set),
    lastScheduledSets: (project) => lastScheduledSets(pool, project),
    history: (project, limit) => history(pool, project, limit),
    onChange: (project, listener) => listenForChanges(pool, project, listener),
    async close() {
      if (!pool.ended && !pool.ending) await pool.end();
    },
  };
}

type LoadRow = { readonly revision: number; readonly applied: string } & (
  | Pick<ObjectRow, 'kind' | 'name' | 'version' | 'spec'>
  | { readonly kind: null }
);

/** One statement: what is read was applied together. */
async function load(pool: PostgresPool, project: string): Promise<AppliedManifest | undefined> {
  const rows = await queryOf(pool)<LoadRow>(
    `select p.revision, ${microsColumn('p.applied_at')} as applied, o.kind, o.name, o.version, o.spec
     from projects p left join objects o on o.project = p.name and o.valid_to_revision is null
     where p.name = $1`,
    [project],
  );
  const [first] = rows;
  if (first === undefined) return undefined;
  const objects = rows.filter((row) => row.kind !== null);
  return {
    manifest: manifestFrom(project, objects),
    revision: first.revision,
    appliedAt: microsFrom(first.applied),
  };
}

async function consumers(
  pool: PostgresPool,
  { project, view, version }: ViewVersion,
): Promise<readonly Consumer[]> {
  return await queryOf(pool)<Consumer>(
    `select kind, name from consumers where project = $1 and view = $2 and version = $3
     order by kind = 'training_set', kind, name collate "C"`,
    [project, view, version],
  );
}

async function addTrainingSet(
  pool: PostgresPool,
  id: string,
  versions: readonly ViewVersion[],
): Promise<void> {
  await queryOf(pool)(
    `insert into consumers (project, view, version, kind, name)
     select project, view, version, 'training_set', $1
     from jsonb_to_recordset($2) as row (project text, view text, version integer)
     on conflict do nothing`,
    [id, JSON.stringify(versions)],
  );
}
