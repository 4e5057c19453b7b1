import { join } from 'node:path';
import { expect, test } from 'vitest';
import { featureRepo, testEngine, writeRows } from '../../test/support/feature-repo.ts';
import { TidemarkError } from '../core/errors.ts';
import { timeOf } from '../core/time.ts';
import type { TrainingSetScheduleSpec } from '../core/training-set-schedule.ts';
import { createDuckDbSourceReader } from '../offline/duckdb/sources/duckdb-source-reader.ts';
import { loadRepo } from '../repo/load-repo.ts';
import { compileRepo } from './compile.ts';

const BASE = `export const shop = project({ name: 'shop' });
export const user = entity({ name: 'user', joinKeys: { user_id: 'int64' } });
export const item = entity({ name: 'item', joinKeys: { item_id: 'int64' } });
export const orders = parquetSource({ name: 'orders', path: 'orders.parquet', timestampField: 'ordered_at' });
const common = { version: 1, entities: [user], source: orders, schedule: '0 * * * *', startTime: '2026-01-01' };
export const spend = batchFeatureView({ ...common, name: 'spend', features: { amount: 'float64', paid: 'bool' } });
export const stock = batchFeatureView({ ...common, name: 'stock', entities: [item], features: { left: 'int64' } });
export const share = onDemandFeatureView({ name: 'share', inputs: { spend, request: requestSource({ price: 'float64' }) }, features: { part: 'float64' }, transform: () => ({ part: 1 }) });
export const model = featureService({ name: 'model', features: [spend] });
const spine = { csv: 'labels.csv', timestampField: 'seen_at' };
`;

const ORDERS = `select 1 as user_id, 2 as item_id, 1.5::double as amount, true as paid, 3 as left, timestamp '2026-01-01' as ordered_at`;
const LABELS = `select 1 as user_id, timestamp '2026-01-01' as seen_at, true as label`;

async function compiled(fields: string): Promise<TrainingSetScheduleSpec | undefined> {
  const set = `export const daily = trainingSetSchedule({ name: 'daily', schedule: '0 6 * * *', spine, ${fields} });`;
  const dir = await featureRepo({ 'shop.ts': BASE + set });
  await writeRows(join(dir, 'orders.parquet'), ORDERS);
  await writeRows(join(dir, 'labels.csv'), LABELS);
  const sourceReader = createDuckDbSourceReader(await testEngine(), { baseDir: dir });
  const manifest = await compileRepo(await loadRepo(dir), { sourceReader, now: timeOf('2026-03-01') });
  return manifest.trainingSetSchedules[0];
}

async function problemsOf(fields: string): Promise<readonly string[]> {
  const failure = await compiled(fields).then(
    () => undefined,
    (error: unknown) => error,
  );
  if (!(failure instanceof TidemarkError)) throw new Error(`Expected problems, got ${String(failure)}`);
  return failure.problems.map(({ where, message }) => `${where}: ${message}`);
}

const AT = 'shop.ts, training set schedule "daily", ';

test('defaults are filled in, and a service goes by its name', async () => {
  expect(await compiled('service: model')).toEqual({
    kind: 'training_set_schedule',
    name: 'daily',
    schedule: '0 6 * * *',
    dataDelay: '0s',
    spine: { kind: 'csv', path: 'labels.csv', timestampField: 'seen_at' },
    features: { kind: 'service', service: 'model' },
    knownAt: 'any',
    fullNames: false,
    split: null,
    format: 'parquet',
    rowsPerFile: null,
    statistics: true,
    paused: false,
    description: '',
    owner: '',
    tags: {},
  });
});

test('features are references, at the version of their definition unless they are text', async () => {
  const query = `spine: { query: 'SELECT *, ordered_at AS at FROM orders WHERE ordered_at < $interval_end ', timestampField: 'at' }`;
  const spec = await compiled(
    `${query}, fullNames: true, features: [spend, spend.pick('paid'), 'spend:amount', spend], label: { view: spend, feature: 'paid', horizon: '1d' }`,
  );
  expect(spec?.features).toEqual({
    kind: 'references',
    references: ['spend@v1:*', 'spend@v1:paid', 'spend:amount'],
  });
  expect(spec?.label).toEqual({ view: 'spend', version: 1, feature: 'paid', horizon: '1d' });
  expect(spec?.spine).toEqual({
    kind: 'query',
    query: 'SELECT *, ordered_at AS at FROM orders WHERE ordered_at < $interval_end',
    timestampField: 'at',
  });
});

test.each([
  [
    `spine: { ...spine, timestampField: 'seen' }`,
    'spine.timestampField: found no column "seen" in the spine',
  ],
  [`spine: { ...spine, timestampField: 'label' }`, 'spine.timestampField: found column "label"'],
  [`spine: { ...spine, csv: 'nothing.csv' }`, 'path: Cannot read source "spine of daily"'],
  [`spine: { query: 'SELECT * FROM order', timestampField: 'at' }`, 'spine.query: Cannot use the query'],
  [
    `spine: { query: 'SELECT $day AS at', timestampField: 'at' }`,
    'spine.query: Cannot use the query: it has the parameter $day',
  ],
  [`label: { column: 'labl' }`, 'label.column: found no column "labl" in the spine (did you mean "label"?)'],
  [`label: { view: 'spent', feature: 'x', horizon: '1d' }`, 'label: Cannot find view "spent"'],
  [
    `label: { view: spend, feature: 'payd', horizon: '1d' }`,
    'label: Cannot find feature "payd" in view "spend" at version 1. Did you mean "paid"?',
  ],
  [
    `label: { view: 'share', feature: 'part', horizon: '1d' }`,
    'label: found view "share", which is computed on demand',
  ],
  [
    `label: { view: spend, feature: 'paid', horizon: '1d' }`,
    'label: found the label "paid", which is also the name of a feature of view "spend"',
  ],
])('a schedule with %s is told so before anything is applied', async (fields, problem) => {
  expect(await problemsOf(`service: model, ${fields}`)).toEqual([expect.stringContaining(AT + problem)]);
});

test('what is read must be there, in the entity rows too, and all that is missing is told', async () => {
  expect(await problemsOf(`features: ['spend:amout', 'spent:amount']`)).toEqual([
    expect.stringContaining(`${AT}features: Cannot find feature "amout" in view "spend"`),
    expect.stringContaining(`${AT}features: Cannot find view "spent" of "spent:amount"`),
  ]);
  expect(await problemsOf(`features: [stock, share]`)).toEqual([
    expect.stringContaining(`${AT}spine: found no column "item_id" in the spine`),
    expect.stringContaining(`${AT}spine: found no column "price" in the spine`),
  ]);
  const named = `spine: { query: 'SELECT user_id, amount, ordered_at FROM orders', timestampField: 'ordered_at' }`;
  expect(await problemsOf(`${named}, service: model`)).toEqual([
    expect.stringContaining(
      `${AT}spine: found a column "amount", which is also the name of a feature of view "spend"`,
    ),
  ]);
});

test('aliases read a view by columns of the entity rows, and no alias is as before', async () => {
  const labels = `spine: { query: 'SELECT user_id, user_id AS friend, ordered_at AS at FROM orders', timestampField: 'at' }`;
  const both = `aliases: [{ view: spend, prefix: 'own_' }, { view: 'spend', prefix: 'friend_', keys: { user_id: 'friend' } }]`;
  expect((await compiled(`${labels}, service: model, ${both}`))?.aliases).toEqual([
    { view: 'spend', prefix: 'own_', keys: {} },
    { view: 'spend', prefix: 'friend_', keys: { user_id: 'friend' } },
  ]);
  expect(await compiled(`${labels}, service: model, aliases: []`)).not.toHaveProperty('aliases');
});

test.each([
  [
    `[{ view: 'spent', prefix: 'a_' }]`,
    'Cannot read view "spent" under an alias: no feature of a batch view of that name is asked for. Did you mean "spend"?',
  ],
  [
    `[{ view: spend, prefix: 'a_', keys: { user: 'user_id', userid: 'user_id' } }]`,
    'Cannot read view "spend" under an alias of "user": its join keys are "user_id".',
    'Cannot read view "spend" under an alias of "userid": its join keys are "user_id". Did you mean "user_id"?',
  ],
  [
    `[{ view: spend, prefix: 'a_', keys: { user_id: 'labl' } }]`,
    'found no column "labl" in the spine (did you mean "label"?)',
  ],
])('a schedule with the aliases %s is told so before anything is applied', async (aliases, ...problems) => {
  expect(await problemsOf(`service: model, aliases: ${aliases}`)).toEqual(
    problems.map((problem) => expect.stringContaining(`${AT}aliases: ${problem}`)),
  );
});

test('without entity rows no other column is there to read a key from', async () => {
  const last = `spine: { last: '7d', timestampField: 'at' }, service: model`;
  expect(
    await problemsOf(`${last}, aliases: [{ view: spend, prefix: 'a_', keys: { user_id: 'x' } }]`),
  ).toEqual([`${AT}aliases: found key "user_id" of view "spend" read from "x", which only entity rows have`]);
  expect(await compiled(`${last}, aliases: [{ view: spend, prefix: 'a_' }]`)).toBeDefined();
});

test('without entity rows the views are of one entity, and none needs request data', async () => {
  const last = `spine: { last: '7d', timestampField: 'at' }`;
  expect(await compiled(`${last}, service: model`)).toMatchObject({
    spine: { kind: 'last', duration: '7d', timestampField: 'at' },
  });
  expect(await problemsOf(`${last}, features: [stock, share]`)).toEqual([
    expect.stringContaining(
      `${AT}spine.last: found views of different join keys: "stock" has item_id, "spend" has user_id`,
    ),
    expect.stringContaining(`${AT}spine.last: found on-demand views that need request data ("price")`),
  ]);
});
