import { join } from 'node:path';
import pg from 'pg';
import { beforeAll, expect, test } from 'vitest';
import { TidemarkError } from '../../src/core/errors.ts';
import type { Manifest } from '../../src/core/manifest.ts';
import { timeOf } from '../../src/core/time.ts';
import { createDuckDbSourceReader } from '../../src/offline/duckdb/sources/duckdb-source-reader.ts';
import { createRemoteAccess } from '../../src/offline/duckdb/sources/remote-access.ts';
import { compileRepo } from '../../src/plan/compile.ts';
import { loadRepo } from '../../src/repo/load-repo.ts';
import { featureRepo, testEngine, writeRows } from '../support/feature-repo.ts';
import { testDatabase } from '../support/services.ts';

const ROWS = `SELECT 1::bigint AS user_id, 1.5::double precision AS amount, 'x'::varchar AS code, timestamp '2026-01-01' AS at`;

let url: string;
beforeAll(async () => {
  url = await testDatabase('planned');
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  await client.query(`CREATE TABLE events AS ${ROWS}`);
  await client.end();
});

async function compile(definitions: string): Promise<Manifest> {
  const dir = await featureRepo({
    'shop.ts': `export const shop = project({ name: 'shop' });
export const user = entity({ name: 'user', joinKeys: { user_id: 'int64' } });
${definitions}
export const v = batchFeatureView({ name: 'v', version: 1, entities: [user], source: events, schedule: '0 * * * *',
  startTime: '2026-01-01T00:00:00Z', features: { amount: 'float64' } });`,
    'events.jsonl': '{"user_id": 1, "amount": 1.5, "code": "x", "at": "2026-01-01T00:00:00Z"}\n',
    'events.csv': 'user_id,amount,code,at\n1,1.5,x,2026-01-01 00:00:00\n',
  });
  await writeRows(join(dir, 'parts/date=2026-01-01/a.parquet'), ROWS.replace(/at$/, '"at"'));
  const remote = createRemoteAccess({ variable: (name) => (name === 'WAREHOUSE_URL' ? url : undefined) });
  const sourceReader = createDuckDbSourceReader(await testEngine(), { baseDir: dir, remote });
  return compileRepo(await loadRepo(dir), { sourceReader, now: timeOf('2026-03-01T00:00:00Z') });
}

async function problemsOf(definitions: string) {
  const failure: unknown = await compile(definitions).catch((error: unknown) => error);
  if (!(failure instanceof TidemarkError)) throw new Error(`Expected problems, got ${String(failure)}`);
  return { code: failure.code, message: failure.message, wheres: failure.problems.map(({ where }) => where) };
}

const KINDS = [
  ['JSON lines', `jsonSource`, `path: 'events.jsonl'`],
  ['CSV', `csvSource`, `path: 'events.csv'`],
  [
    'partitioned Parquet',
    `parquetSource`,
    `path: 'parts/*/*.parquet', partitionedBy: { column: 'date', granularity: 'day' }`,
  ],
  ['Postgres', `postgresSource`, `urlEnv: 'WAREHOUSE_URL', table: 'events'`],
  ['a Postgres query', `postgresSource`, `urlEnv: 'WAREHOUSE_URL', query: 'SELECT * FROM events'`],
] as const;

const source = (make: string, fields: string) =>
  `export const events = ${make}({ name: 'events', timestampField: 'at', ${fields} });`;

test.each(KINDS)('%s with what is declared of it is planned', async (_, make, fields) => {
  const columns = `columns: { amount: 'float64', code: 'string', at: 'timestamp', user_id: 'int64' }`;
  const manifest = await compile(source(make, `${fields}, ${columns}`));
  expect(manifest.views.map(({ name }) => name)).toEqual(['v']);
  expect(JSON.stringify(manifest)).not.toContain(new URL(url).host);
});

test.each(KINDS)('%s that lacks a declared column, or its type, says so', async (_, make, fields) => {
  const lacking = await problemsOf(source(make, `${fields}, columns: { nothing: 'int64' }`));
  expect(lacking).toMatchObject({ code: 'SOURCE_SCHEMA_MISMATCH' });
  expect(lacking.message).toContain('nothing');
  const other = await problemsOf(source(make, `${fields}, columns: { code: 'int64' }`));
  expect(other).toMatchObject({ code: 'SOURCE_SCHEMA_MISMATCH' });
  expect(other.wheres[0]).toMatch(/^shop.ts, source "events", /);
  const time = await problemsOf(source(make, fields).replace(`'at'`, `'amount'`));
  expect(time).toMatchObject({ code: 'SOURCE_SCHEMA_MISMATCH' });
});

test('a partition column that is not there is told at its field', async () => {
  const found = await problemsOf(
    source(
      'parquetSource',
      `path: 'parts/*/*.parquet', partitionedBy: { column: 'day', granularity: 'day' }`,
    ),
  );
  expect(found.wheres).toEqual(['shop.ts, source "events", partitionedBy.column']);
});

test.each([
  [`{ column: 'date', granularity: 'hour' }`, 'its hour as partitionedBy says ("date=2026-03-01-06")'],
  [`{ column: 'date', granularity: 'month' }`, 'its month as partitionedBy says ("date=2026-03")'],
  [`{ column: 'at', granularity: 'day' }`, 'its day as partitionedBy says ("at=2026-03-01")'],
])(
  'folders that do not tell times as partitionedBy says are told: all would be read: %s',
  async (by, said) => {
    const found = await problemsOf(
      source('parquetSource', `path: 'parts/*/*.parquet', partitionedBy: ${by}`),
    );
    expect(found).toMatchObject({ code: 'SOURCE_SCHEMA_MISMATCH', message: expect.stringContaining(said) });
    expect(found.message).toContain('/parts/date=2026-01-01/a.parquet does not');
  },
);

test('a Postgres source that cannot be reached is told at its variable', async () => {
  expect(await problemsOf(source('postgresSource', `urlEnv: 'NOT_SET', table: 'events'`))).toMatchObject({
    code: 'SOURCE_UNREADABLE',
    wheres: ['shop.ts, source "events", urlEnv'],
  });
});

test.each([
  [`urlEnv: 'postgres://u:hidden@h/db', table: 'events'`, 'urlEnv'],
  [`urlEnv: 'URL', table: 'events', query: 'SELECT 1'`, 'table'],
  [`urlEnv: 'URL'`, 'table'],
  [`urlEnv: 'URL', table: '"My Schema'`, 'table'],
  [`urlEnv: 'URL', table: 'events', path: 'x'`, 'config'],
])('a Postgres source with %s is refused', async (fields, where) => {
  const found = await problemsOf(source('postgresSource', fields));
  expect(found).toMatchObject({ code: 'DEFINITION_INVALID' });
  expect(found.wheres.join()).toContain(`source "events", ${where}`);
  expect(found.message).not.toContain('hidden');
});

test('a table in SQL’s quoting that is not closed is told with the ways to write one', async () => {
  const { message } = await problemsOf(source('postgresSource', `urlEnv: 'URL', table: '"My Schema.x'`));
  expect(message).toContain(
    'found "\\"My Schema.x", allowed is a table, with its schema where needed, as in SQL: events, shop.events, "My Schema"."events.2026" (a double quote is not closed)',
  );
});

test.each([
  `path: 'https://example.com/a.parquet'`,
  `path: 's3://bucket/a.parquet?s3_secret_access_key=hidden'`,
  `path: 'a.parquet', partitionedBy: { column: 'date', granularity: 'week' }`,
])('a file source with %s is refused', async (fields) => {
  const found = await problemsOf(source('parquetSource', fields));
  expect(found).toMatchObject({ code: 'DEFINITION_INVALID' });
  expect(found.message).not.toContain('hidden');
});
