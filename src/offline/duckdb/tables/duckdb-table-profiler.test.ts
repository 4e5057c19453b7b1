import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createDuckDbWorld, type DuckDbWorld } from '../../../../test/conformance/duckdb-world.ts';
import { createDuckDbTableProfiler } from './duckdb-table-profiler.ts';

let world: DuckDbWorld;
beforeAll(async () => {
  world = await createDuckDbWorld();
});
afterAll(() => world.close());

async function profile(select: string, format: 'parquet' | 'csv' = 'parquet') {
  const path = join(world.folder, `profiled.${format}`);
  await world.run(`COPY (${select}) TO '${path}' (FORMAT ${format})`);
  return await createDuckDbTableProfiler(world.db).profile({ format, paths: [path] });
}

test('a column of numbers has its null share, exact bounds, mean, quantiles and a histogram of its finite values', async () => {
  const { rows, columns } = await profile(
    `SELECT if(i < 100, NULL, i)::BIGINT AS n, CASE i WHEN 0 THEN 'nan'::DOUBLE WHEN 1 THEN '-inf'::DOUBLE ELSE i END::DOUBLE AS x FROM range(1000) t(i)`,
  );
  expect(rows).toBe(1000);
  const [n, x] = columns;
  expect(n).toMatchObject({
    name: 'n',
    type: 'BIGINT',
    nulls: 100,
    least: '100',
    greatest: '999',
    top: null,
  });
  expect(n?.numbers?.mean).toBe(549.5);
  expect(n?.numbers?.quantiles.find(({ share }) => share === 0.5)?.value).toBe(549);
  expect(n?.numbers?.histogram).toMatchObject({ from: 100, to: 999 });
  expect(n?.numbers?.histogram.counts).toEqual(Array.from({ length: 20 }, () => 45));
  expect(x).toMatchObject({ nulls: 0, greatest: 'nan', least: '-inf' });
  expect(x?.numbers).toMatchObject({ notFinite: 2, histogram: { from: 2, to: 999 } });
  expect(x?.numbers?.histogram.counts.reduce((sum, count) => sum + count, 0)).toBe(998);
});

test('quantiles of integers that no double holds are there in all of their digits, as the bounds are', async () => {
  const { columns } = await profile(
    'SELECT unnest([9007199254740993, 9007199254740995, 9007199254740997])::BIGINT AS large, unnest([1234567891, 7, 8])::BIGINT AS safe',
  );
  const [large, safe] = columns.map(({ numbers }) =>
    numbers?.quantiles.filter(({ share }) => share === 0.5 || share === 0.99),
  );
  expect(large?.map(({ exact }) => exact)).toEqual(['9007199254740995', '9007199254740997']);
  expect(safe).toEqual([
    { share: 0.5, value: 8 },
    { share: 0.99, value: 1234567891 },
  ]);
});

test('bounds of integers are exact, and numbers too far apart to subtract still have a histogram', async () => {
  const { columns } = await profile(
    `SELECT unnest([9007199254740993, 9007199254740993])::BIGINT AS n, unnest([-1.7e308, 1.7e308])::DOUBLE AS x, unnest([4.0, 4.0]) AS same, NULL::INTEGER AS none`,
  );
  expect(columns[0]).toMatchObject({ least: '9007199254740993', greatest: '9007199254740993' });
  const counts = columns[1]?.numbers?.histogram.counts ?? [];
  expect([counts[0], counts.at(-1), counts.reduce((sum, count) => sum + count, 0)]).toEqual([1, 1, 2]);
  expect(columns[2]?.numbers?.histogram).toEqual({ from: 4, to: 4, counts: [2] });
  expect(columns[3]).toMatchObject({ nulls: 2, numbers: null, least: null, greatest: null });
});

test('columns may have any names, those of this code too', async () => {
  const names = ['v', 'n', 'x', 'bin'];
  const { columns } = await profile(
    `SELECT ${names.flatMap((name) => [`'a' || (i % 3) AS ${name}`, `i AS ${name}_number`]).join(', ')} FROM range(9) t(i)`,
  );
  expect(columns.filter(({ top }) => top !== null).map(({ top }) => top?.length)).toEqual([3, 3, 3, 3]);
  const { columns: numbers } = await profile(
    `SELECT 'a' AS text, ${names.map((name) => `i::INTEGER AS ${name}`).join(', ')} FROM range(9) t(i)`,
  );
  expect(numbers.slice(1).map((each) => each.numbers?.mean)).toEqual([4, 4, 4, 4]);
});

test('text, truth values and dates have their commonest values, times their bounds, lists their null share', async () => {
  const { columns } = await profile(
    `SELECT 'v' || (i % 15 // 2) AS text, i % 3 = 0 AS yes, DATE '2026-01-01' + (i % 2)::INTEGER AS day, TIMESTAMP '2026-01-01' + to_hours(i::BIGINT) AS time, if(i = 0, NULL, [i]) AS list, [DATE '2026-01-01'] AS days FROM range(30) t(i)`,
  );
  expect(columns.map(({ name, top }) => [name, top?.[0] ?? null])).toEqual([
    ['text', { value: 'v0', count: 4 }],
    ['yes', { value: 'false', count: 20 }],
    ['day', { value: '2026-01-01', count: 15 }],
    ['time', null],
    ['list', null],
    ['days', null],
  ]);
  expect(columns[3]).toMatchObject({ least: '2026-01-01 00:00:00', greatest: '2026-01-02 05:00:00' });
  expect(columns[4]).toMatchObject({ nulls: 1, numbers: null });
  expect(columns[5]).toMatchObject({ nulls: 0, least: null, greatest: null, top: null });
});

test('of CSV all lines of all files tell what a column is, late ones too', async () => {
  const paths = ['first', 'second'].map((name) => join(world.folder, `${name}.csv`));
  const rows = (from: number, to: number) =>
    `SELECT i AS n, if(i < 49999, i::VARCHAR, 'late') AS code, if(i = 7, '', 'a') AS t FROM range(${from}, ${to}) t(i)`;
  await world.run(`COPY (${rows(0, 30_000)}) TO '${paths[0]}' (FORMAT csv)`);
  await world.run(`COPY (${rows(30_000, 50_000)}) TO '${paths[1]}' (FORMAT csv)`);
  const { columns, ...table } = await createDuckDbTableProfiler(world.db).profile({ format: 'csv', paths });
  expect(table.rows).toBe(50_000);
  expect(columns.map(({ name, type, nulls }) => [name, type, nulls])).toEqual([
    ['n', 'BIGINT', 0],
    ['code', 'VARCHAR', 0],
    ['t', 'VARCHAR', 0],
  ]);
  expect(columns[2]?.top).toEqual([
    { value: 'a', count: 49_999 },
    { value: '', count: 1 },
  ]);
});

test('no rows have a profile, and a file that is not there is told', async () => {
  const { rows, columns } = await profile('SELECT 1 AS n, NULL::VARCHAR AS t LIMIT 0');
  expect([rows, columns.map(({ numbers, top }) => [numbers, top])]).toEqual([
    0,
    [
      [null, null],
      [null, []],
    ],
  ]);
  expect((await profile(`SELECT 1 AS n, 'a' AS t`, 'csv')).columns.map(({ name }) => name)).toEqual([
    'n',
    't',
  ]);
  const missing = createDuckDbTableProfiler(world.db).profile({
    format: 'parquet',
    paths: ['/nowhere.parquet'],
  });
  await expect(missing).rejects.toMatchObject({ code: 'SOURCE_UNREADABLE' });
});
