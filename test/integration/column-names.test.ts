import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Spine } from '../../src/offline/as-of-engine.ts';
import { createDuckDbAsOfEngine } from '../../src/offline/duckdb/as-of/duckdb-as-of-engine.ts';
import { createDuckDb, type DuckDbEngine } from '../../src/offline/duckdb/engine.ts';
import { createDuckDbSourceReader } from '../../src/offline/duckdb/sources/duckdb-source-reader.ts';
import { editParquetSchema, renameParquetColumns } from '../support/edit-parquet-schema.ts';
import { fileSource, writeParquet } from '../support/offline-case.ts';

let folder: string;
let engine: DuckDbEngine;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'tidemark-names-'));
  engine = await createDuckDb({ memory: '200MB', threads: 1, tempDir: join(folder, 'spill') });
});

afterAll(async () => {
  await engine.close();
  await rm(folder, { recursive: true, force: true });
});

/** Files with columns of these names, which hold 0, 1, … beside the time in `at`. */
const written = {
  async parquet(path: string, names: readonly string[]) {
    const made = names.map((_, index) => `${index} AS n${index}`);
    await writeParquet(engine, path, `SELECT TIMESTAMP '2026-01-01' AS "at", ${made.join(', ')}`);
    await renameParquetColumns(path, Object.fromEntries(names.map((name, index) => [`n${index}`, name])));
  },
  async csv(path: string, names: readonly string[]) {
    await writeFile(
      path,
      `${['at', ...names].join(',')}\n2026-01-01T00:00:00Z,${[...names.keys()].join(',')}\n`,
    );
  },
  async json(path: string, names: readonly string[]) {
    const values = names.map((name, index) => `${JSON.stringify(name)}: ${index}`);
    await writeFile(path, `{"at": "2026-01-01T00:00:00Z", ${values.join(', ')}}\n`);
  },
};

const TWICE = 'it names columns more than once (a, A; case does not count)';
const NAMELESS = 'its column 3 has no name';

describe.each(['parquet', 'csv', 'json'] as const)('entity rows in %s', (kind) => {
  const pathOf = (names: readonly string[]) => join(folder, `${names.join('-')}.${kind}`);
  const described = async (names: readonly string[]) => {
    const path = pathOf(names);
    await written[kind](path, names);
    const spine: Spine = { kind, path, timestampField: 'at' };
    return await createDuckDbAsOfEngine(engine, { baseDir: folder, offlineRoot: folder }).describeSpine(
      spine,
    );
  };

  test.each([
    [['a', 'A'], TWICE],
    [['a', 'b', 'A', 'a_1'], TWICE],
    [['a', ''], NAMELESS],
  ])('with columns %j are refused, where DuckDB would give them other names', async (names, reason) => {
    await expect(described(names)).rejects.toMatchObject({
      code: 'SPINE_INVALID',
      message: `Cannot use the spine ${pathOf(names)}: ${reason}.`,
    });
  });

  test('may have columns that are called as DuckDB would call those', async () => {
    const names = ['a', 'a_1', 'A_2', 'C4', 'column5', '_1', 'b_7'];
    const { columns } = await described(names);
    expect(columns.map(({ name }) => name)).toEqual(['at', ...names]);
  });
});

test('the index that pandas writes into CSV is told as that', async () => {
  const path = join(folder, 'pandas.csv');
  await writeFile(path, ',at,a\n0,2026-01-01T00:00:00Z,1\n1,2026-01-02T00:00:00Z,2\n');
  const asOf = createDuckDbAsOfEngine(engine, { baseDir: folder, offlineRoot: folder });
  await expect(asOf.describeSpine({ kind: 'csv', path, timestampField: 'at' })).rejects.toMatchObject({
    message: `Cannot use the spine ${path}: its column 1 has no name (pandas writes its index so, unless told index=False).`,
  });
});

test.each([
  [`SELECT 1 AS a, TIMESTAMP '2026-01-01' AS at, 2 AS "A"`, TWICE],
  [
    `SELECT one.*, two.* FROM (SELECT now()::TIMESTAMP AS at) one, (SELECT now()::TIMESTAMP AS at) two`,
    'at, at',
  ],
])('a spine query is asked for its columns’ names as it writes them: %s', async (query, reason) => {
  const asOf = createDuckDbAsOfEngine(engine, { baseDir: folder, offlineRoot: folder });
  await expect(asOf.describeSpine({ kind: 'query', query, timestampField: 'at' })).rejects.toMatchObject({
    code: 'SPINE_INVALID',
    message: expect.stringContaining(reason),
  });
});

test.each(['parquet', 'csv', 'json'] as const)(
  'a source in %s whose columns differ only in case is refused, as one might be read for the other',
  async (kind) => {
    const path = `source.${kind}`;
    await written[kind](join(folder, path), ['a', 'A']);
    const reader = createDuckDbSourceReader(engine, { baseDir: folder });
    await expect(reader.describe(fileSource({ kind, path }))).rejects.toMatchObject({
      code: 'SOURCE_SCHEMA_MISMATCH',
      message: `Cannot read source "events" at ${path}: ${TWICE}. Give each a name of its own.`,
    });
  },
);

test('decimals of more than 38 digits in Parquet are refused, of which DuckDB reads wrong numbers', async () => {
  const path = join(folder, 'decimals.parquet');
  await writeParquet(
    engine,
    path,
    `SELECT TIMESTAMP '2026-01-01' AS "at", 1.5::DECIMAL(38, 2) AS x, 0.5::DOUBLE AS y`,
  );
  const PRECISION = 8;
  await editParquetSchema(path, { x: { [PRECISION]: 60n } });
  const asOf = createDuckDbAsOfEngine(engine, { baseDir: folder, offlineRoot: folder });
  await expect(asOf.describeSpine({ kind: 'parquet', path, timestampField: 'at' })).rejects.toMatchObject({
    code: 'SPINE_INVALID',
    message: `Cannot use the spine ${path}: its column "x" is DECIMAL(60,2), which Tidemark has no type for; leave it out or cast it.`,
  });
  const reader = createDuckDbSourceReader(engine, { baseDir: folder });
  const { columns } = await reader.describe(fileSource({ path: 'decimals.parquet' }));
  expect(columns.map(({ name, type }) => [name, type])).toEqual([
    ['at', 'timestamp'],
    ['x', null],
    ['y', 'float64'],
  ]);
});
