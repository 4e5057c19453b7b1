import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { TidemarkError } from '../../src/core/errors.ts';
import { formatViewVersion } from '../../src/core/feature-view.ts';
import { durationOf, timeOf } from '../../src/core/time.ts';
import type { Ledger } from '../../src/ledger/ledger.ts';
import { ledgerMigrations } from '../../src/ledger/postgres/migrations.ts';
import { createPostgresLedger } from '../../src/ledger/postgres/postgres-ledger.ts';
import { createDuckDbSourceReader } from '../../src/offline/duckdb/sources/duckdb-source-reader.ts';
import { applyPlan } from '../../src/plan/apply-plan.ts';
import { explainPlan } from '../../src/plan/explain.ts';
import type { Plan } from '../../src/plan/plan.ts';
import { planRepo } from '../../src/plan/plan-repo.ts';
import type { SchedulePort } from '../../src/plan/schedule-port.ts';
import { migrate } from '../../src/registry/postgres/migrate.ts';
import { registryMigrations } from '../../src/registry/postgres/migrations.ts';
import { connectPostgres, type PostgresPool } from '../../src/registry/postgres/pool.ts';
import { createPostgresRegistry } from '../../src/registry/postgres/postgres-registry.ts';
import type { Registry } from '../../src/registry/registry.ts';
import { loadRepo } from '../../src/repo/load-repo.ts';
import { featureRepo, testEngine, writeRows } from '../support/feature-repo.ts';
import { testDatabase, uniqueName } from '../support/services.ts';

const NOW = timeOf('2026-01-03T00:30:00Z');

let pool: PostgresPool;
let registry: Registry;
let ledger: Ledger;

beforeAll(async () => {
  pool = connectPostgres(await testDatabase('plan'));
  await migrate(pool, [registryMigrations, ledgerMigrations]);
  registry = createPostgresRegistry(pool);
  ledger = createPostgresLedger(pool);
});

afterAll(() => registry.close());

/** A repository with hourly spend of users over a day; `view` and `rest` are the test's own. */
async function shop(project: string, view: string, rest = ''): Promise<() => Promise<Plan>> {
  const dir = await featureRepo({
    'shop.ts': `export const shop = project({ name: '${project}' });
export const user = entity({ name: 'user', joinKeys: { user_id: 'int64' } });
export const orders = parquetSource({ name: 'orders', path: 'data/orders.parquet', timestampField: 'ordered_at' });
const common = { name: 'spend', entities: [user], source: orders, schedule: '0 * * * *', startTime: '2026-01-01T00:00:00Z', dataDelay: '10m' };
const aggregations = { spend_1d: sum('amount', '1d') };
${view === '' ? '' : `export const spend = batchFeatureView({ ...common, aggregations, ${view} });`}
${rest}`,
  });
  await writeRows(
    join(dir, 'data/orders.parquet'),
    `select i % 7 as user_id, i::double as amount, timestamp '2026-01-01' + to_minutes(i) as ordered_at from range(2880) t(i)`,
  );
  const repo = await loadRepo(dir);
  const sourceReader = createDuckDbSourceReader(await testEngine(), { baseDir: dir });
  return () => planRepo(repo, { registry, ledger, sourceReader, now: NOW });
}

/** Schedules as a map, with what Temporal promises: both calls may be repeated. */
function schedulesInMemory(): SchedulePort & { readonly crons: Map<string, string> } {
  const crons = new Map<string, string>();
  return {
    crons,
    async upsert(view, project) {
      crons.set(`${project}/${formatViewVersion({ view: view.name, version: view.version })}`, view.schedule);
    },
    async remove(version) {
      crons.delete(`${version.project}/${formatViewVersion(version)}`);
    },
    async upsertTrainingSet(spec, project) {
      crons.set(`${project}/set ${spec.name}`, spec.schedule);
    },
    async removeTrainingSet(project, name) {
      crons.delete(`${project}/set ${name}`);
    },
  };
}

const apply = (plan: Plan, rebuild: () => Promise<Plan>, schedules: SchedulePort = schedulesInMemory()) =>
  applyPlan(plan, { registry, schedules, rebuild, by: 'someone@example.com', commit: 'abc', now: NOW });

async function failureOf(work: Promise<unknown>): Promise<TidemarkError> {
  const failure = await work.then(
    () => undefined,
    (error: unknown) => error,
  );
  if (!(failure instanceof TidemarkError))
    throw new Error(`Expected a TidemarkError, got ${String(failure)}`);
  return failure;
}

test('a plan is applied once, with its schedules; again there is nothing to do', async () => {
  const project = uniqueName('shop');
  const plan = await shop(project, 'version: 1');
  const schedules = schedulesInMemory();
  const planned = await plan();
  const outcome = await apply(planned, plan, schedules);
  expect(outcome).toMatchObject({ kind: 'applied', applied: { revision: 1 } });
  expect([...schedules.crons]).toEqual([[`${project}/spend@v1`, '0 * * * *']]);
  expect((await registry.load(project))?.manifest).toEqual(planned.manifest);

  expect((await apply(planned, plan, schedules)).kind).toBe('nothing_to_do');
  expect((await apply(await plan(), plan, schedules)).kind).toBe('nothing_to_do');
  expect((await registry.load(project))?.revision).toBe(1);
});

test('what is due and not committed is missing, with the rows and bytes that computing it reads', async () => {
  const project = uniqueName('shop');
  const plan = await shop(project, 'version: 1');
  const [before] = (await plan()).backfills;
  expect(before).toMatchObject({
    view: 'spend',
    version: 1,
    missing: [{ start: '2026-01-01T00:00:00Z', end: '2026-01-03T00:00:00Z' }],
    intervals: 48,
    rows: 2880,
  });
  expect(before?.bytes).toBeGreaterThan(0);
  expect(before?.seconds).toBeGreaterThan(0);
  expect(before?.onlineBytes).toBeGreaterThan(0);

  const claim = await ledger.claim({
    version: { project, view: 'spend', version: 1 },
    fingerprint: 'f',
    range: { start: timeOf('2026-01-01T06:00:00Z'), end: timeOf('2026-01-02T00:00:00Z') },
    restate: false,
    owner: 'test',
    runId: 'run',
    leaseFor: durationOf('1m'),
    now: NOW,
  });
  if (claim.kind !== 'granted') throw new Error(`Expected a lease, got ${claim.kind}`);
  await ledger.stage(claim.lease, { effectKey: 'e', inputDigest: 'i', file: null });
  await ledger.commit(claim.lease, NOW);
  const [after] = (await plan()).backfills;
  expect(after?.missing).toEqual([
    { start: '2026-01-01T00:00:00Z', end: '2026-01-01T06:00:00Z' },
    { start: '2026-01-02T00:00:00Z', end: '2026-01-03T00:00:00Z' },
  ]);
  // Six hours, and a day with the window of a day before it.
  expect(after).toMatchObject({ intervals: 30, rows: 360 + 2880 });
});

test('a plan made before somebody else applied is refused with the plan as it is now', async () => {
  const project = uniqueName('shop');
  const mine = await shop(project, `version: 1, owner: 'mine@example.com'`);
  const theirs = await shop(project, `version: 1, owner: 'theirs@example.com'`);
  const planned = await mine();
  await apply(await theirs(), theirs);
  const schedules = schedulesInMemory();
  const failure = await failureOf(apply(planned, mine, schedules));
  expect(failure.code).toBe('PLAN_DRIFTED');
  expect(failure.message).toContain('owner: theirs@example.com → mine@example.com');
  expect(failure.message).toContain(explainPlan(await mine())[0]);
  expect(schedules.crons.size).toBe(0);
  expect((await registry.load(project))?.revision).toBe(1);
});

test('a plan whose definitions were taken back is drifted, not done', async () => {
  const project = uniqueName('shop');
  const first = await shop(project, 'version: 1');
  await apply(await first(), first);
  const changed = await shop(project, `version: 1, ttl: '7d'`);
  const failure = await failureOf(apply(await changed(), first));
  expect(failure.code).toBe('PLAN_DRIFTED');
  expect(failure.message).toContain('No changes.');
});

test('a scheduled training set is applied with its schedule, and its reading holds up the removal of a version', async () => {
  const project = uniqueName('shop');
  const spine = `{ query: 'SELECT user_id, ordered_at AS seen_at FROM orders', timestampField: 'seen_at' }`;
  const daily = (features: string) =>
    `export const daily = trainingSetSchedule({ name: 'daily', schedule: '0 6 * * *', spine: ${spine}, features: [${features}] });`;
  const plan = await shop(project, 'version: 1', daily('spend'));
  const schedules = schedulesInMemory();
  await apply(await plan(), plan, schedules);
  expect(schedules.crons.get(`${project}/set daily`)).toBe('0 6 * * *');
  expect((await apply(await plan(), plan, schedules)).kind).toBe('nothing_to_do');
  expect((await registry.load(project))?.manifest.trainingSetSchedules).toMatchObject([
    { name: 'daily', features: { kind: 'references', references: ['spend@v1:*'] } },
  ]);
  expect(await registry.consumers({ project, view: 'spend', version: 1 })).toEqual([
    { kind: 'training_set_schedule', name: 'daily' },
  ]);

  const gone = await shop(project, '', daily(`'spend@v1:spend_1d'`));
  expect((await failureOf(gone())).message).toContain(
    'training set schedule "daily", features: Cannot read view "spend" at version 1',
  );
  const without = await shop(project, '');
  await apply(await without(), without, schedules);
  expect([...schedules.crons]).toEqual([]);
});

test('when a schedule cannot be changed nothing is applied, and the plan can be applied afterwards', async () => {
  const project = uniqueName('shop');
  const plan = await shop(project, 'version: 1');
  const down: SchedulePort = {
    upsert: () => Promise.reject(new TidemarkError('STACK_UNAVAILABLE', 'Temporal is down.')),
    remove: () => Promise.resolve(),
    upsertTrainingSet: () => Promise.resolve(),
    removeTrainingSet: () => Promise.resolve(),
  };
  const planned = await plan();
  expect((await failureOf(apply(planned, plan, down))).code).toBe('STACK_UNAVAILABLE');
  expect(await registry.load(project)).toBeUndefined();
  expect((await apply(planned, plan)).kind).toBe('applied');
});

test('of two applies at once one wins, and the other is told', async () => {
  const project = uniqueName('shop');
  const plan = await shop(project, 'version: 1');
  const planned = await plan();
  const results = await Promise.allSettled([apply(planned, plan), apply(planned, plan)]);
  const codes = results.map((result) =>
    result.status === 'fulfilled' ? result.value.kind : (result.reason as TidemarkError).code,
  );
  expect(codes).toContain('applied');
  expect(codes.filter((code) => code === 'applied')).toHaveLength(1);
  expect(['APPLY_CONFLICT', 'PLAN_DRIFTED', 'nothing_to_do']).toContain(
    codes.find((code) => code !== 'applied'),
  );
  expect((await registry.load(project))?.revision).toBe(1);
});

test('a breaking change needs a new version beside the old one, which then gets a schedule of its own', async () => {
  const project = uniqueName('shop');
  const first = await shop(project, 'version: 1');
  const schedules = schedulesInMemory();
  await apply(await first(), first, schedules);
  const broken = await shop(project, `version: 1, schedule: '30 * * * *'`);
  const failure = await failureOf(broken());
  expect(failure.code).toBe('BREAKING_CHANGE');
  expect(failure.message).toContain('schedule: 0 * * * * → 30 * * * *');
  expect(failure.message).toContain('with version: 2 in shop.ts');

  const inPlace = await shop(project, `version: 2, schedule: '30 * * * *'`);
  expect((await failureOf(inPlace())).message).toContain(
    'spend@v1 would be removed while it is the serving version',
  );

  const beside = await shop(
    project,
    'version: 1',
    `export const spend2 = batchFeatureView({ ...common, aggregations, version: 2, schedule: '30 * * * *' });`,
  );
  await apply(await beside(), beside, schedules);
  expect([...schedules.crons.values()]).toEqual(['0 * * * *', '30 * * * *']);
});

test('the function of an on-demand view is noted where it was not, is not changed by a formatter, and needs a version', async () => {
  const project = uniqueName('shop');
  const half = (transform: string) =>
    shop(
      project,
      'version: 1',
      `export const half = onDemandFeatureView({ name: 'half', inputs: { spend }, features: { half: 'float64' }, transform: ${transform} });`,
    );
  const first = await half(`({ spend }) => ({ half: (spend.spend_1d ?? 0) / 2 })`);
  const planned = await first();
  // As it was applied before functions were looked at.
  const views = planned.manifest.views.map((view) => {
    if (view.kind !== 'on_demand_view') return view;
    const { functionDigest: _, ...before } = view;
    return before;
  });
  await registry.apply({
    manifest: { ...planned.manifest, views },
    baseRevision: 0,
    by: 'someone@example.com',
    commit: null,
    now: NOW,
  });
  const schedules = schedulesInMemory();
  const noting = await first();
  expect(noting.changes).toEqual([]);
  expect(noting.notedFunctions).toEqual(['half@v1']);
  expect((await apply(noting, first, schedules)).kind).toBe('applied');
  expect((await apply(await first(), first, schedules)).kind).toBe('nothing_to_do');

  const other = await half(`({ spend }) => {
    // In two.
    return { half: (spend.spend_1d ?? 0) / 3, };
  }`);
  expect((await failureOf(other())).message).toMatch(
    /transform: code \w{8} → code \w{8}\. This breaks half@v1/,
  );
  const same = await half(`({spend})=>({
    // In two.
    half: (spend.spend_1d ?? 0) / 2,
  })`);
  expect((await same()).changes).toEqual([]);
});

test('a version goes with the service that alone read it, and its schedule goes too', async () => {
  const project = uniqueName('shop');
  const schedules = schedulesInMemory();
  const first = await shop(
    project,
    'version: 1',
    `export const model = featureService({ name: 'model', features: [spend] });`,
  );
  await apply(await first(), first, schedules);
  const without = await shop(project, '');
  const planned = await without();
  expect(planned.changes.map(({ change, object }) => `${change} ${object}`)).toEqual([
    'removed spend@v1',
    'removed model',
  ]);
  await apply(planned, without, schedules);
  expect(schedules.crons.size).toBe(0);
  expect((await registry.load(project))?.manifest.views).toEqual([]);
});

test('a training set does not hold up the version that it was built from', async () => {
  const project = uniqueName('shop');
  const plan = await shop(project, 'version: 1');
  await apply(await plan(), plan);
  await registry.addTrainingSet('f00d', [{ project, view: 'spend', version: 1 }]);
  const without = await shop(project, '');
  expect(await apply(await without(), without)).toMatchObject({ kind: 'applied' });
  expect(await registry.consumers({ project, view: 'spend', version: 1 })).toEqual([
    { kind: 'training_set', name: 'f00d' },
  ]);
});
