import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { timeOf } from '../../src/core/time.ts';
import { createDuckDb, type DuckDbEngine } from '../../src/offline/duckdb/engine.ts';
import { createDuckDbSourceReader } from '../../src/offline/duckdb/sources/duckdb-source-reader.ts';
import type { SourceReader } from '../../src/offline/source-reader.ts';
import { fileSource, writeParquet } from '../support/offline-case.ts';

let folder: string;
let engine: DuckDbEngine;
let reader: SourceReader;
beforeAll(async () => {
  // Brackets in the folder's name are not a pattern.
  folder = await mkdtemp(join(tmpdir(), 'tidemark-[source]-'));
  engine = await createDuckDb({ memory: '200MB', threads: 1, tempDir: join(folder, 'spill') });
  reader = createDuckDbSourceReader(engine, { baseDir: folder });
  await mkdir(join(folder, 'data'));
  for (const [index, extra] of [', 1.5 AS added', ''].entries()) {
    await writeParquet(
      engine,
      join(folder, `data/${index}.parquet`),
      `SELECT TIMESTAMPTZ '2026-01-0${index + 1} 00:00:00.000001Z' AS "at", 7::BIGINT AS user_id, MAP {'a': 1} AS m ${extra}`,
    );
  }
  await writeFile(
    join(folder, 'data/a.csv'),
    'at,user_id,code\n2026-01-01 00:00:00,1,007\n2026-01-03 12:00:00,2,008\n',
  );
  await writeFile(
    join(folder, 'data/text.parquet.txt'),
    'this is not Parquet, and is longer than twelve bytes',
  );
});
afterAll(async () => {
  await engine.close();
  await rm(folder, { recursive: true, force: true });
});

const parquet = fileSource({ path: 'data/*.parquet' });
const csv = fileSource({ kind: 'csv', path: 'data/a.csv' });

describe('describe', () => {
  test('gives the columns of all files of a glob, and null for types that Tidemark does not have', async () => {
    expect((await reader.describe(parquet)).columns).toEqual([
      { name: 'at', type: 'timestamp', engineType: 'TIMESTAMP WITH TIME ZONE' },
      { name: 'user_id', type: 'int64', engineType: 'BIGINT' },
      { name: 'm', type: null, engineType: 'MAP(VARCHAR, INTEGER)' },
      { name: 'added', type: 'float64', engineType: 'DECIMAL(2,1)' },
    ]);
  });

  test('reads a CSV column as its definition declares it', async () => {
    const types = async (columns: typeof csv.columns) =>
      (await reader.describe({ ...csv, columns })).columns.map(({ type }) => type);
    expect(await types([])).toEqual(['timestamp', 'int64', 'string']);
    expect(await types([{ name: 'code', type: 'int32' }])).toEqual(['timestamp', 'int64', 'int32']);
  });

  test('says which declared column a CSV lacks', async () => {
    await expect(
      reader.describe({ ...csv, columns: [{ name: 'nope', type: 'string' }] }),
    ).rejects.toMatchObject({ code: 'SOURCE_SCHEMA_MISMATCH', message: expect.stringContaining('nope') });
  });

  test.each([
    ['data/none-*.parquet', /No files found.*put files there, or correct the source's path/],
    ['data/text.parquet.txt', /check that the files are Parquet/],
    ['/no/such/folder/x.parquet', /Cannot read source "events" at \/no\/such\/folder\/x.parquet: /],
  ])('names a source that cannot be read: %s', async (path, message) => {
    await expect(reader.describe(fileSource({ path }))).rejects.toMatchObject({
      code: 'SOURCE_UNREADABLE',
      message: expect.stringMatching(message),
    });
  });
});

describe('describeQuery', () => {
  const query = `SELECT user_id, $interval_end AS "at", count(*) AS n FROM events WHERE "at" < $interval_end GROUP BY ALL`;

  test('gives the columns of a query with interval parameters', async () => {
    expect((await reader.describeQuery(query, [parquet])).columns).toEqual([
      { name: 'user_id', type: 'int64', engineType: 'BIGINT' },
      { name: 'at', type: 'timestamp', engineType: 'TIMESTAMP' },
      { name: 'n', type: 'int64', engineType: 'BIGINT' },
    ]);
  });

  test('gives one digest for queries that differ in spaces, comments and case of keywords only', async () => {
    const digest = async (text: string) => (await reader.describeQuery(text, [parquet])).digest;
    const base = await digest(query);
    expect(
      await digest(
        `-- a comment\nselect user_id,\n\t$interval_end as "at", /* rows */ count(*) AS n from events where "at" < $interval_end GROUP BY ALL ;`,
      ),
    ).toBe(base);
    expect(await digest(query.replace('count(*)', 'count(m)'))).not.toBe(base);
    expect(await digest(query.replace('<', '<='))).not.toBe(base);
  });

  test.each([
    ['SELECT 1; SELECT 2', /one SELECT statement, and has 2/],
    ['', /one SELECT statement, and has 0/],
    ['SELEC 1', /syntax error/],
    ["COPY events TO 'x'", /SELECT/],
    ["SELECT * FROM 'data/0.parquet'", /may read events only/],
    ["SELECT * FROM events WHERE EXISTS (SELECT * FROM read_text('/etc/hostname'))", /read_text\(\)/],
    ['SELECT $start FROM events', /\$start/],
    ['SELECT nope FROM events', /nope/],
    [
      'SELECT user_id, at FROM events',
      /^Cannot use the query: syntax error at or near "FROM" \(line 1, character 20\): "at" is a word of SQL, and the column of that name is written "at", in double quotes\.$/,
    ],
    [
      '\n  SELECT user_id\n  FROM events\n  WHERE At > $interval_start',
      /\(line 3, character 12\): "at" is a word/,
    ],
    ['SELECT user_id FROM events WHERE user_id > 3 AND', /^Cannot use the query: syntax error at its end\.$/],
    // Words of SQL that no column is called stand there for something else.
    ['SELECT user_id FROM WHERE "at" > $interval_start', /near "WHERE" \(line 1, character 21\)\.$/],
  ])('refuses %j', async (text, message) => {
    await expect(reader.describeQuery(text, [parquet])).rejects.toMatchObject({
      code: 'QUERY_INVALID',
      message: expect.stringMatching(message),
    });
  });
});

describe('describeExpression', () => {
  test.each([
    ['user_id', 'int64'],
    ['user_id > 3 -- many', 'bool'],
    ['added * 2.0::DOUBLE', 'float64'],
    ['m', null],
  ])('types %j', async (expression, type) => {
    expect(await reader.describeExpression(expression, parquet)).toBe(type);
  });

  test.each([
    [
      "at > TIMESTAMP '2026-01-01'",
      /syntax error at or near ">" \(line 1, character 4\): "at" is a word of SQL/,
    ],
    ["TIMESTAMP '2026-01-01' < at", /: syntax error at its end: "at" is a word of SQL/],
    ['user_id > ', /: syntax error at its end\.$/],
  ])('says what is wrong with %j', async (expression, message) => {
    await expect(reader.describeExpression(expression, parquet)).rejects.toMatchObject({
      code: 'QUERY_INVALID',
      message: expect.stringMatching(message),
    });
  });

  test.each(['nope + 1', '1) FROM events; SELECT (1', '1), (2', 'SELECT', ''])(
    'refuses %j',
    async (expression) => {
      await expect(reader.describeExpression(expression, parquet)).rejects.toMatchObject({
        code: 'QUERY_INVALID',
      });
    },
  );
});

describe('extent', () => {
  test('counts rows and gives their first and last time', async () => {
    expect(await reader.extent(parquet)).toMatchObject({
      rows: 2,
      first: timeOf('2026-01-01T00:00:00.000001Z'),
      last: timeOf('2026-01-02T00:00:00.000001Z'),
    });
    expect((await reader.extent(parquet)).bytes).toBeGreaterThan(500);
    expect(await reader.extent(csv)).toMatchObject({
      rows: 2,
      bytes: 68,
      last: timeOf('2026-01-03T12:00:00Z'),
    });
  });

  test('counts only a range when there is one', async () => {
    const start = timeOf('2026-01-02T00:00:00.000001Z');
    expect(await reader.extent(parquet, { start, end: timeOf('2026-02-01T00:00:00Z') })).toMatchObject({
      rows: 1,
      first: start,
    });
    expect(
      await reader.extent(parquet, {
        start: timeOf('2025-01-01T00:00:00Z'),
        end: timeOf('2025-02-01T00:00:00Z'),
      }),
    ).toEqual({ rows: 0, bytes: 0 });
  });

  test('says that a timestamp field is not one', async () => {
    await expect(reader.extent({ ...parquet, timestampField: 'user_id' })).rejects.toMatchObject({
      code: 'SOURCE_SCHEMA_MISMATCH',
      message: expect.stringContaining('"user_id" is BIGINT'),
    });
  });
});
