import { join } from 'node:path';
import { expect, test } from 'vitest';
import { featureRepo, testEngine, writeRows } from '../../test/support/feature-repo.ts';
import { batchSpec, manifestOf } from '../../test/support/specs.ts';
import { type Manifest, onDemandViews } from '../core/manifest.ts';
import { timeOf } from '../core/time.ts';
import { createDuckDbSourceReader } from '../offline/duckdb/sources/duckdb-source-reader.ts';
import { loadRepo } from '../repo/load-repo.ts';
import { buildPlan } from './build-plan.ts';
import { compileRepo } from './compile.ts';
import { diffManifests } from './diff.ts';
import { estimatedOnlineBytes } from './estimate.ts';
import { explainPlan } from './explain.ts';

const now = timeOf('2026-03-01T12:00:00Z');

const BASE = `export const shop = project({ name: 'shop' });
export const user = entity({ name: 'user', joinKeys: { user_id: 'int64' } });
export const quotes = parquetSource({ name: 'quotes', path: 'quotes.parquet', timestampField: 'at' });
export const alerts = pushSource({ name: 'alerts', timestampField: 'at', columns: { level: 'int32' } });
const common = { version: 1, entities: [], schedule: '0 * * * *', startTime: '2026-01-01T00:00:00Z' };
export const rates = batchFeatureView({ name: 'rates', ...common, source: quotes, features: { eur: 'float64' } });
`;

async function compile(text = ''): Promise<Manifest> {
  const dir = await featureRepo({ 'shop.ts': BASE + text });
  await writeRows(join(dir, 'quotes.parquet'), `SELECT TIMESTAMP '2026-01-01' AS at, 1.5::DOUBLE AS eur`);
  const sourceReader = createDuckDbSourceReader(await testEngine(), { baseDir: dir });
  return compileRepo(await loadRepo(dir), { sourceReader, now });
}

test('every form of a view can be without keys, and then no column of its source is one', async () => {
  const manifest = await compile(`
export const moves = batchFeatureView({ name: 'moves', ...common, source: quotes, aggregations: { n: count('1d') } });
export const best = batchFeatureView({ name: 'best', ...common, sources: [quotes], timestampField: 't', intervalsPerQuery: 1,
  features: { best: 'float64' }, sql: 'SELECT max(eur) AS best, $interval_start AS t FROM quotes WHERE "at" < $interval_end' });
export const last = streamFeatureView({ name: 'last', version: 1, entities: [], source: alerts, startTime: '2026-01-01', features: { level: 'int64' } });
export const dear = onDemandFeatureView({ name: 'dear', inputs: { rates }, features: { dear: 'bool' }, transform: () => ({ dear: true }) });
export const world = featureService({ name: 'world', features: [rates, moves, best, last, dear] });`);
  const views = manifest.views.filter((view) => view.kind === 'batch_view');
  expect(views.map(({ name, entities, joinKeys }) => [name, entities, joinKeys])).toEqual(
    ['best', 'last', 'moves', 'rates'].map((name) => [name, [], []]),
  );
  expect(onDemandViews(manifest).map(({ name }) => name)).toEqual(['dear']);
  expect(manifest.services[0]?.members).toHaveLength(5);
});

test('a plan says that a view has no keys, and giving it some is breaking', () => {
  const none = { entities: [], joinKeys: [] };
  const before = manifestOf([batchSpec(none)]);
  const facts = {
    backfills: [],
    consumers: new Map(),
    servingVersions: new Map(),
    files: new Map([['spend@v1', 'views.ts']]),
  };
  const plan = buildPlan({ applied: undefined, manifest: before, facts });
  expect(explainPlan(plan).join('\n')).toContain('spend@v1  1 feature, no keys, hourly, ttl 7d');
  const [change] = diffManifests(before, manifestOf([batchSpec()])).filter(
    ({ object }) => object === 'spend@v1',
  );
  expect(change).toMatchObject({ severity: 'breaking' });
  expect(change?.fields).toContainEqual(
    expect.objectContaining({ field: 'joinKeys', from: 'none', to: 'user_id int64' }),
  );
  expect(batchSpec(none).fingerprint).not.toBe(batchSpec().fingerprint);
});

test('it takes one row of online memory, however many its source has', () => {
  const view = batchSpec({ joinKeys: [] });
  expect(estimatedOnlineBytes(view, 1_000_000)).toBe(estimatedOnlineBytes(batchSpec(), 1));
  expect(estimatedOnlineBytes(view, 0)).toBe(0);
});

test('beside views of an entity it does not hinder a training set that needs no entity rows', async () => {
  const set = `
export const spend = batchFeatureView({ name: 'spend', ...common, entities: [user], source: buys, features: { amount: 'float64' } });
export const daily = trainingSetSchedule({ name: 'daily', schedule: '0 6 * * *', features: [rates, spend], spine: { last: '7d', timestampField: 'at' } });`;
  const buys = `export const buys = pushSource({ name: 'buys', timestampField: 'at', columns: { user_id: 'int64', amount: 'float64' } });`;
  const { trainingSetSchedules } = await compile(buys + set);
  expect(trainingSetSchedules.map(({ name }) => name)).toEqual(['daily']);
});
