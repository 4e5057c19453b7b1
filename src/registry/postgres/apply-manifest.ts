import { TidemarkError } from '../../core/errors.ts';
import type { Manifest } from '../../core/manifest.ts';
import { definedConsumers } from '../defined-consumers.ts';
import type { AppliedManifest, ApplyRequest } from '../registry.ts';
import { notifyChange } from './listen.ts';
import { identityOf, type ObjectRow, objectRows } from './object-rows.ts';
import { type PostgresPool, type Query, transaction } from './pool.ts';
import { microsColumn, microsFrom, timeParameter } from './postgres-time.ts';

export function applyManifest(pool: PostgresPool, request: ApplyRequest): Promise<AppliedManifest> {
  const { manifest, beforeCommit } = request;
  return transaction(pool, async (query) => {
    await lockProject(query, manifest.project);
    const applied = await appliedOf(query, manifest.project);
    if ((applied?.revision ?? 0) !== request.baseRevision) {
      throw new TidemarkError(
        'PLAN_DRIFTED',
        `Cannot apply to project "${manifest.project}": the plan was made at revision ${request.baseRevision}, and revision ${applied?.revision ?? 0} has been applied since. Make a new plan.`,
      );
    }
    const changes = await changesOf(query, manifest);
    if (applied !== undefined && changes.isEmpty) {
      // The definitions are the same; what stands around them (schedules) may still need to be brought back.
      await beforeCommit?.();
      return { manifest, ...applied };
    }
    const revision = request.baseRevision + 1;
    await writeApply(query, request, revision);
    await writeObjects(query, manifest.project, changes, revision);
    await writeDefinedConsumers(query, manifest);
    await writeServingVersions(query, request);
    await notifyChange(query, manifest.project);
    await beforeCommit?.();
    return { manifest, revision, appliedAt: request.now };
  });
}

/** Held to the end of the transaction; two schemas in one database do not disturb each other. */
async function lockProject(query: Query, project: string): Promise<void> {
  const [row] = await query<{ locked: boolean }>(
    `select pg_try_advisory_xact_lock(hashtextextended($1 || current_schema(), 0)) as locked`,
    [`tidemark apply ${project} `],
  );
  if (row?.locked) return;
  throw new TidemarkError(
    'APPLY_CONFLICT',
    `Cannot apply to project "${project}": another apply is running. Repeat it when that one has ended.`,
  );
}

async function appliedOf(
  query: Query,
  project: string,
): Promise<Omit<AppliedManifest, 'manifest'> | undefined> {
  const [row] = await query<{ revision: number; applied: string }>(
    `select revision, ${microsColumn('applied_at')} as applied from projects where name = $1`,
    [project],
  );
  return row && { revision: row.revision, appliedAt: microsFrom(row.applied) };
}

interface Changes {
  /** Live rows that end: their objects were removed, or changed. */
  readonly ended: readonly string[];
  readonly begun: readonly ObjectRow[];
  readonly isEmpty: boolean;
}

async function changesOf(query: Query, manifest: Manifest): Promise<Changes> {
  const live = await query<Pick<ObjectRow, 'kind' | 'name' | 'version' | 'digest'> & { id: string }>(
    `select id, kind, name, version, digest from objects where project = $1 and valid_to_revision is null`,
    [manifest.project],
  );
  const rows = objectRows(manifest);
  const wanted = new Map(rows.map((row) => [identityOf(row), row.digest]));
  const present = new Map(live.map((row) => [identityOf(row), row.digest]));
  const ended = live.filter((row) => wanted.get(identityOf(row)) !== row.digest).map((row) => row.id);
  const begun = rows.filter((row) => present.get(identityOf(row)) !== row.digest);
  return { ended, begun, isEmpty: ended.length === 0 && begun.length === 0 };
}

async function writeApply(
  query: Query,
  { manifest, by, commit, now }: ApplyRequest,
  revision: number,
): Promise<void> {
  const at = timeParameter(now);
  await query(
    `insert into projects (name, revision, applied_at) values ($1, $2, $3)
     on conflict (name) do update set revision = excluded.revision, applied_at = excluded.applied_at`,
    [manifest.project, revision, at],
  );
  await query(
    `insert into applies (project, revision, applied_by, commit_id, applied_at) values ($1, $2, $3, $4, $5)`,
    [manifest.project, revision, by, commit, at],
  );
}

async function writeObjects(
  query: Query,
  project: string,
  { ended, begun }: Changes,
  revision: number,
): Promise<void> {
  await query(`update objects set valid_to_revision = $2 where id = any($1::bigint[])`, [ended, revision]);
  await query(
    `insert into objects (project, kind, name, version, spec, digest, valid_from_revision)
     select $1, kind, name, version, spec, digest, $3
     from jsonb_to_recordset($2) as row (kind text, name text, version integer, spec jsonb, digest text)`,
    [project, JSON.stringify(begun), revision],
  );
}

async function writeDefinedConsumers(query: Query, manifest: Manifest): Promise<void> {
  const { project } = manifest;
  const wanted = JSON.stringify(definedConsumers(manifest));
  // Those that stay keep their `since`.
  await query(
    `delete from consumers c where project = $1 and kind in ('feature_service', 'training_set_schedule')
     and not exists (
       select from jsonb_to_recordset($2) as row (view text, version integer, kind text, name text)
       where row.view = c.view and row.version = c.version and row.kind = c.kind and row.name = c.name
     )`,
    [project, wanted],
  );
  await query(
    `insert into consumers (project, view, version, kind, name)
     select $1, view, version, kind, name
     from jsonb_to_recordset($2) as row (view text, version integer, kind text, name text)
     on conflict do nothing`,
    [project, wanted],
  );
}

/**
 * A view's lowest version serves from its first apply on, whatever versions come later; only a migration moves it.
 * Should the serving version itself be removed, the lowest one left takes its place.
 */
async function writeServingVersions(query: Query, { manifest, by }: ApplyRequest): Promise<void> {
  const lives = `select from objects o where o.project = s.project and o.name = s.view and o.version = s.version
    and o.kind in ('batch_view', 'on_demand_view') and o.valid_to_revision is null`;
  await query(`delete from serving_versions s where project = $1 and not exists (${lives})`, [
    manifest.project,
  ]);
  await query(
    `insert into serving_versions (project, view, version, set_by)
     select project, name, min(version), $2 from objects
     where project = $1 and kind in ('batch_view', 'on_demand_view') and valid_to_revision is null
     group by project, name
     on conflict (project, view) do nothing`,
    [manifest.project, by],
  );
}
