import { expect, test } from 'vitest';
import { featureRepo, testEngine } from '../../test/support/feature-repo.ts';
import type { BatchViewSpec } from '../core/feature-view.ts';
import type { Manifest } from '../core/manifest.ts';
import { RECEIVED_TIME } from '../core/source.ts';
import { timeOf } from '../core/time.ts';
import { createDuckDbSourceReader } from '../offline/duckdb/sources/duckdb-source-reader.ts';
import { loadRepo } from '../repo/load-repo.ts';
import { compileRepo } from './compile.ts';
import { diffManifests } from './diff.ts';

const BASE = `export const shop = project({ name: 'shop' });
export const user = entity({ name: 'user', joinKeys: { user_id: 'int64' } });
export const clicks = pushSource({ name: 'clicks', timestampField: 'at', columns: { user_id: 'int64', amount: 'int32', page: 'string' } });
const common = { version: 1, entities: [user], startTime: '2026-01-01T00:00:00Z' };
`;

const LAST = `export const last = streamFeatureView({ name: 'last', ...common, source: clicks, features: { amount: 'float64' } });`;

async function compile(text: string): Promise<Manifest> {
  const dir = await featureRepo({ 'shop.ts': text });
  const sourceReader = createDuckDbSourceReader(await testEngine(), { baseDir: dir });
  return compileRepo(await loadRepo(dir), { sourceReader, now: timeOf('2026-03-01T12:00:00Z') });
}

async function problemsOf(text: string): Promise<string> {
  return compile(text).then(
    () => '',
    (error: unknown) => String(error),
  );
}

test('a push source has the columns it declares, and belongs to its project', async () => {
  const { sources } = await compile(BASE);
  expect(sources).toEqual([
    expect.objectContaining({
      kind: 'push',
      name: 'clicks',
      project: 'shop',
      timestampField: 'at',
      createdTimestampField: null,
      columns: [
        { name: 'amount', type: 'int32' },
        { name: 'page', type: 'string' },
        { name: 'user_id', type: 'int64' },
      ],
    }),
  ]);
});

test('a stream view is a batch view of columns that pass through, hourly, and knows when rows were received', async () => {
  const { views } = await compile(BASE + LAST);
  expect(views).toEqual([
    expect.objectContaining({
      kind: 'batch_view',
      stream: true,
      schedule: '0 * * * *',
      transformation: { kind: 'passthrough' },
      timestampField: 'at',
      createdTimestampField: RECEIVED_TIME,
      features: [{ name: 'amount', type: 'float64', description: '' }],
    }),
  ]);
});

test('aggregations and queries read a push source, also before anything was pushed', async () => {
  const { views } = await compile(`${BASE}
    export const counts = batchFeatureView({ name: 'counts', ...common, source: clicks, schedule: '0 * * * *',
      aggregations: { spent: sum('amount', '1d', { where: "page = 'cart'" }), last_page: last('page', '1d') } });
    export const byQuery = batchFeatureView({ name: 'by_query', ...common, sources: [clicks], schedule: '0 * * * *', timestampField: 'at',
      sql: 'SELECT user_id, "at", page FROM clicks WHERE "at" >= $interval_start AND "at" < $interval_end', features: { page: 'string' } });`);
  expect(views.map(({ name }) => name)).toEqual(['by_query', 'counts']);
  expect(views.every((view) => (view as BatchViewSpec).stream === undefined)).toBe(true);
});

test('a view that becomes a stream computes the same values: readers are not broken', async () => {
  const batch = LAST.replace('streamFeatureView({', "batchFeatureView({ schedule: '0 * * * *',");
  const [before, after] = [await compile(BASE + batch), await compile(BASE + LAST)];
  expect(diffManifests(before, after)).toEqual([
    expect.objectContaining({ object: 'last@v1', change: 'changed', severity: 'additive' }),
  ]);
});

test.each([
  [
    BASE.replace("timestampField: 'at'", "timestampField: 'page'"),
    'columns.page: found "page", which is the name of the column of event times',
  ],
  [
    BASE.replace("page: 'string'", "PAGE: 'string', page: 'string'"),
    'found "page", which is the name of column "PAGE"',
  ],
  [BASE.replace("page: 'string'", "__received_time: 'timestamp'"), 'at which Tidemark received the row'],
  [
    BASE.replace(/columns: \{.*?\} /, 'columns: {} '),
    'columns: found an empty object, allowed is an object of types',
  ],
  [BASE.replace("amount: 'int32'", "amount: 'money'"), 'columns.amount: found "money"'],
  [
    BASE + LAST.replace("amount: 'float64'", "amuont: 'float64'"),
    'shop.ts, stream view "last", features.amuont: found no column "amuont" in source "clicks" (did you mean "amount"?)',
  ],
  [BASE + LAST.replace("amount: 'float64'", "amount: 'string'"), 'of type int32'],
  [
    BASE + LAST.replace('source: clicks', "source: clicks, aggregations: { n: count('1d') }"),
    'found aggregations and features',
  ],
  [
    `${BASE}export const files = parquetSource({ name: 'files', path: 'x.parquet', timestampField: 'at' });
     ${LAST.replace('source: clicks', 'source: files')}`,
    'source: found a source, allowed is a source made by pushSource()',
  ],
])('a mistake is told with its place: %#', async (text, message) => {
  expect(await problemsOf(text)).toContain(message);
});

test('a stream view may promise to be fresher than its data delay', async () => {
  const fields = "dataDelay: '1h', freshnessSla: '10m', ttl: '2h', source: clicks";
  const { views } = await compile(BASE + LAST.replace('source: clicks', fields));
  expect(views).toHaveLength(1);
});
