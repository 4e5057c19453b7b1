import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { featureRepo, testEngine, writeRows } from '../../test/support/feature-repo.ts';
import { TidemarkError } from '../core/errors.ts';
import type { Manifest } from '../core/manifest.ts';
import { timeOf } from '../core/time.ts';
import { createDuckDbSourceReader } from '../offline/duckdb/sources/duckdb-source-reader.ts';
import { loadRepo } from '../repo/load-repo.ts';
import { compileRepo } from './compile.ts';

const now = timeOf('2026-03-01T12:00:00Z');

const BASE = `export const shop = project({ name: 'shop' });
export const user = entity({ name: 'user', joinKeys: { user_id: 'int64' }, owner: 'shop@example.com' });
export const orders = parquetSource({ name: 'orders', path: 'data/orders.parquet', timestampField: 'ordered_at', createdTimestampField: 'created_at' });
const common = { version: 1, entities: [user], schedule: '0  * * * *', startTime: '2026-01-01T00:00:00Z' };
`;

/** user_id is int32 here: narrower than the join key. */
const ORDERS = `select i::integer as user_id, i * 1.5::double as amount, i::integer as items, 'c' || i as country,
  i % 2 = 0 as paid, timestamp '2026-01-01' + to_hours(i) as ordered_at, now() as created_at,
  {'a': i} as address, [i] as codes, 'x' as note from range(10) t(i)`;

async function compile(text: string): Promise<Manifest> {
  const dir = await featureRepo({ 'shop.ts': BASE + text });
  await writeRows(join(dir, 'data/orders.parquet'), ORDERS);
  await writeRows(
    join(dir, 'data/visits.csv'),
    `select 1 as user_id, 'home' as page, timestamp '2026-01-01' as seen_at`,
  );
  const sourceReader = createDuckDbSourceReader(await testEngine(), { baseDir: dir });
  return compileRepo(await loadRepo(dir), { sourceReader, now });
}

async function failureOf(text: string): Promise<TidemarkError> {
  const failure = await compile(text).then(
    () => undefined,
    (error: unknown) => error,
  );
  if (!(failure instanceof TidemarkError))
    throw new Error(`Expected a TidemarkError, got ${String(failure)}`);
  return failure;
}

const batch = (fields: string, name = 'v') =>
  `export const ${name} = batchFeatureView({ name: '${name}', ...common, ${fields} });\n`;

test('aggregations get their types from their columns, and defaults are filled in', async () => {
  const { views } = await compile(
    batch(`source: orders, aggregations: {
      n: count('7d'), countries: countDistinct('country', '7d'), spent: sum('amount', '7d'),
      items: sum('items', '7d', { type: 'int64' }), biggest: max('amount * items', '1d', { where: "paid and country <> 'c1'" }),
      last_country: last('country', '30d'), newest: max('ordered_at', '7d'), wide: min('items', '1d', { type: 'int64' }),
      recent: collectList('amount', 5, '7d'), share: ratio(count('1d', { where: 'paid' }), count('1d')),
    }`),
  );
  const [view] = views;
  if (view?.kind !== 'batch_view') throw new Error('Expected a batch view');
  expect(Object.fromEntries(view.features.map(({ name, type }) => [name, type]))).toEqual({
    n: 'int64',
    countries: 'int64',
    spent: 'float64',
    items: 'int64',
    biggest: 'float64',
    last_country: 'string',
    newest: 'timestamp',
    wide: 'int64',
    recent: 'array<float64>',
    share: 'float64',
  });
  expect(view.features.map(({ name }) => name)).toEqual(view.features.map(({ name }) => name).toSorted());
  expect(view).toMatchObject({
    schedule: '0 * * * *',
    dataDelay: '0s',
    ttl: null,
    freshnessSla: null,
    online: true,
    paused: false,
    owner: '',
    joinKeys: [{ name: 'user_id', type: 'int64' }],
    timestampField: 'ordered_at',
    createdTimestampField: 'created_at',
    sources: [{ kind: 'parquet', path: 'data/orders.parquet' }],
  });
  expect(view.fingerprint).toMatch(/^[0-9a-f]{64}$/);
});

test('SQL, pass-through and on-demand views and services are compiled, sorted by name', async () => {
  const manifest = await compile(`
export const visits = csvSource({ name: 'visits', path: 'data/visits.csv', timestampField: 'seen_at', columns: { page: 'string' } });
${batch(
  `sources: [visits, orders], timestampField: 'at', features: { pages: 'int64' }, intervalsPerQuery: 1, sql: \`
  select user_id, count(page) as pages, $interval_end as at from visits
  where seen_at >= $interval_start and seen_at < $interval_end group by user_id\``,
  'sql_view',
)}
${batch(`source: orders, features: { note: 'string', amount: 'float64', items: 'int64' }, ttl: '3h'`, 'passed')}
export const per_item = onDemandFeatureView({ name: 'per_item', inputs: { passed, request: requestSource({ rate: 'float64' }) },
  features: { price: 'float64' }, transform: () => ({ price: 1 }) });
export const model = featureService({ name: 'model', features: [sql_view, per_item, passed.pick('note'), passed.pick('amount', 'note')] });`);
  expect(manifest.views.map(({ name }) => name)).toEqual(['passed', 'per_item', 'sql_view']);
  expect(manifest.sources.map(({ name }) => name)).toEqual(['orders', 'visits']);
  const [passed, perItem, sqlView] = manifest.views;
  expect(passed).toMatchObject({
    transformation: { kind: 'passthrough' },
    features: [{ name: 'amount' }, { name: 'items', type: 'int64' }, { name: 'note' }],
  });
  expect(perItem).toMatchObject({
    kind: 'on_demand_view',
    inputs: [
      { kind: 'view', name: 'passed', view: 'passed', version: 1 },
      { kind: 'request', fields: [{ name: 'rate', type: 'float64' }] },
    ],
  });
  expect(sqlView).toMatchObject({ timestampField: 'at', createdTimestampField: null });
  expect(manifest.services).toEqual([
    {
      kind: 'feature_service',
      name: 'model',
      members: [
        { view: 'passed', version: 1, features: ['amount', 'note'] },
        { view: 'per_item', version: 1, features: ['price'] },
        { view: 'sql_view', version: 1, features: ['pages'] },
      ],
      description: '',
      owner: '',
      tags: {},
    },
  ]);
});

test('formatting and comments of a query, the order of features and where a file lies are no part of a fingerprint', async () => {
  const fingerprint = async (features: string, sql: string) => {
    const { views } = await compile(
      batch(`sources: [orders], timestampField: 'at', features: ${features}, sql: \`${sql}\``),
    );
    return views[0]?.fingerprint;
  };
  const where = 'where ordered_at >= $interval_start and ordered_at < $interval_end';
  const one = await fingerprint(
    `{ amount: 'float64', items: 'int64' }`,
    `select user_id, amount, items, ordered_at as at from orders ${where}`,
  );
  const same = await fingerprint(
    `{ items: 'int64', amount: 'float64' }`,
    `SELECT user_id, amount, -- the price\\n items, ordered_at AS at\\n  FROM orders ${where}`,
  );
  const other = await fingerprint(
    `{ amount: 'float64', items: 'int64' }`,
    `select user_id, amount * 2 as amount, items, ordered_at as at from orders ${where}`,
  );
  expect(same).toBe(one);
  expect(other).not.toBe(one);
});

describe('a view that does not fit its source is refused', () => {
  test.each([
    [
      'a feature column that is missing',
      `source: orders, features: { amout: 'float64' }`,
      `features.amout: found no column "amout" in source "orders" (did you mean "amount"?)`,
    ],
    [
      'a feature column of another type',
      `source: orders, features: { country: 'int64' }`,
      `features.country: found column "country" of source "orders" of type string (VARCHAR), allowed is int64 or int32`,
    ],
    [
      'a column without a Tidemark type',
      `source: orders, features: { address: 'json' }`,
      `features.address: found column "address" of source "orders" of type STRUCT(a BIGINT), allowed is json or string`,
    ],
    [
      'an aggregated column that is missing',
      `source: orders, aggregations: { a: avg('amounts', '1d') }`,
      `aggregations.a.column: found no column "amounts" in source "orders" (did you mean "amount"?)`,
    ],
    [
      'an average of text',
      `source: orders, aggregations: { a: avg('country', '1d') }`,
      `aggregations.a.column: found "country" of source "orders", which is string; allowed for avg is int32, int64`,
    ],
    [
      'a whole sum of fractions',
      `source: orders, aggregations: { a: sum('amount', '1d', { type: 'int64' }) }`,
      `aggregations.a.column: found "amount" of source "orders", which is float64; allowed for sum is int32, int64`,
    ],
    [
      'a narrower declared type',
      `source: orders, aggregations: { a: max('amount', '1d', { type: 'float32' }) }`,
      `aggregations.a.type: found float32, allowed for max of "amount" is float64`,
    ],
    [
      'a condition that is none',
      `source: orders, aggregations: { a: count('1d', { where: 'items + 1' }) }`,
      `aggregations.a.where: found a condition that gives int32, allowed is bool`,
    ],
    [
      'a ratio of texts',
      `source: orders, aggregations: { a: ratio(min('country', '1d'), count('1d')) }`,
      `aggregations.a.numerator: found string, allowed is a number`,
    ],
  ])('%s', async (_what, fields, message) => {
    const failure = await failureOf(batch(fields));
    expect(failure.code).toBe('SOURCE_SCHEMA_MISMATCH');
    expect(failure.problems.map((problem) => `${problem.where}: ${problem.message}`)).toEqual([
      expect.stringContaining(`shop.ts, batch view "v", ${message}`),
    ]);
  });

  test('a join key column that is missing or of another type', async () => {
    const failure = await failureOf(`
export const club = entity({ name: 'club', joinKeys: { club_id: 'string', country: 'int32' } });
${batch(`entities: [club], source: orders, features: { amount: 'float64' }`)}`);
    expect(failure.problems.map(({ message }) => message)).toEqual([
      expect.stringContaining('found no column "club_id" in source "orders"'),
      expect.stringContaining(
        'found column "country" of source "orders" of type string (VARCHAR), allowed is int32',
      ),
    ]);
  });

  test('a query without its keys, times or features, or with a feature of another type', async () => {
    const failure = await failureOf(
      batch(`sources: [orders], createdTimestampField: 'note', features: { country: 'float64', total: 'float64' },
        sql: 'select amount, country, note from orders where ordered_at >= $interval_start and ordered_at < $interval_end'`),
    );
    expect(failure.code).toBe('SOURCE_SCHEMA_MISMATCH');
    expect(failure.problems.map(({ where, message }) => `${where.split(', ')[2]}: ${message}`)).toEqual([
      expect.stringContaining('sql: found no column "user_id" in the query'),
      expect.stringContaining('timestampField: found no column "event_timestamp" in the query'),
      expect.stringContaining('createdTimestampField: found column "note" of the query of type string'),
      expect.stringContaining('features.country: found column "country" of the query of type string'),
      expect.stringContaining('features.total: found no column "total"'),
    ]);
  });
});

test('a query or an expression that is not SQL is a mistake of the definition', async () => {
  const failure = await failureOf(
    batch(`sources: [orders], features: { a: 'int64' }, sql: 'selec $interval_end'`, 'broken') +
      batch(
        `source: orders, aggregations: { a: avg('amount +', '1d'), b: count('1d', { where: 'nothing = 1' }) }`,
      ),
  );
  expect(failure.code).toBe('DEFINITION_INVALID');
  expect(failure.problems.map(({ where }) => where)).toEqual([
    'shop.ts, batch view "broken", sql',
    'shop.ts, batch view "v", aggregations.a.column',
    'shop.ts, batch view "v", aggregations.b.where',
  ]);
  expect(failure.problems[2]?.message).toContain('nothing');
});

test('a timestamp column that is not one is refused with the types that are', async () => {
  const failure = await failureOf(`
export const wrong = parquetSource({ name: 'wrong', path: 'data/orders.parquet', timestampField: 'country', createdTimestampField: 'nothing', columns: { items: 'string', more: 'int64' } });
${batch(`source: wrong, features: { amount: 'float64' }`)}`);
  expect(failure.code).toBe('SOURCE_SCHEMA_MISMATCH');
  expect(failure.problems.map(({ where, message }) => `${where}: ${message}`)).toEqual([
    expect.stringContaining(
      'shop.ts, source "wrong", timestampField: found column "country" of "data/orders.parquet" of type string (VARCHAR), allowed is timestamp or date',
    ),
    expect.stringContaining('createdTimestampField: found no column "nothing" in "data/orders.parquet"'),
    expect.stringContaining('columns.items: found column "items"'),
    expect.stringContaining('columns.more: found no column "more"'),
  ]);
});

test('a source that is missing is told once, at the source, however many views read it', async () => {
  const failure = await failureOf(`
export const gone = parquetSource({ name: 'gone', path: 'data/gone.parquet', timestampField: 'at' });
${batch(`source: gone, features: { a: 'int64' }`, 'v')}${batch(`source: gone, aggregations: { n: count('1d') }`, 'w')}`);
  expect(failure.code).toBe('SOURCE_UNREADABLE');
  expect(failure.problems).toHaveLength(1);
  expect(failure.problems[0]?.where).toBe('shop.ts, source "gone", path');
  expect(failure.message).toContain('gone.parquet');
});

test('mistakes in definitions and in sources are told together', async () => {
  const failure = await failureOf(`
${batch(`source: orders, features: { nothing: 'int64' }`, 'v')}
${batch(`source: orders, features: { amount: 'float64' }, schedule: '0 0 30 2 *', startTime: '2030-01-01'`, 'w')}
export const gone = parquetSource({ name: 'gone', path: 'data/gone.parquet', timestampField: 'at' });`);
  expect(failure.code).toBe('DEFINITION_INVALID');
  expect(failure.message).toContain('Cannot plan project "shop": 4 problems found.');
  expect(failure.problems.map(({ where }) => where).toSorted()).toEqual([
    'shop.ts, batch view "v", features.nothing',
    'shop.ts, batch view "w", schedule',
    'shop.ts, batch view "w", startTime',
    'shop.ts, source "gone", path',
  ]);
});
