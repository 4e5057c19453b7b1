import { mkdir, readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createDuckDbWorld, type DuckDbWorld } from '../../../../test/conformance/duckdb-world.ts';
import type { ArrangeRequest, TableLayout } from '../../table-arranger.ts';
import { createDuckDbTableArranger } from './duckdb-table-arranger.ts';

const plain: TableLayout = { format: 'parquet', rowsPerFile: null, split: null };
let world: DuckDbWorld;
let made = 0;

beforeAll(async () => {
  world = await createDuckDbWorld();
});
afterAll(() => world.close());

async function arrange(select: string, layout: Partial<TableLayout>, more: Partial<ArrangeRequest> = {}) {
  const folder = join(world.folder, `arranged-${made++}`);
  await mkdir(folder);
  const from = `${folder}.parquet`;
  await world.run(`COPY (${select}) TO '${from}' (FORMAT parquet)`);
  const arranger = createDuckDbTableArranger(world.db);
  const files = await arranger.arrange({
    from,
    folder,
    name: 'data',
    timestampField: 'at',
    layout: { ...plain, ...layout },
    ...more,
  });
  expect((await readdir(folder)).toSorted()).toEqual(files.map(({ path }) => path).toSorted());
  return { folder, from, files };
}

const column = async (path: string, name: string) =>
  (await world.run(`SELECT "${name}" FROM read_parquet('${path}')`)).map(([value]) => Number(value));
const at = `TIMESTAMP '2026-01-01' + to_minutes((i * 7 % 100)::BIGINT) AS at`;

describe('a split by time', () => {
  test('puts the earliest rows first, in their order, and each row in one part', async () => {
    const { folder, files } = await arrange(`SELECT i, i * 7 % 100 AS n, ${at} FROM range(100) t(i)`, {
      split: { kind: 'time', shares: [80, 10, 10] },
    });
    expect(files.map(({ path, part, rows }) => [path, part, rows])).toEqual([
      ['train.parquet', 'train', 80],
      ['validation.parquet', 'validation', 10],
      ['test.parquet', 'test', 10],
    ]);
    const times = async (part: string) => column(join(folder, `${part}.parquet`), 'n');
    const [train, validation, last] = [await times('train'), await times('validation'), await times('test')];
    expect(Math.max(...train)).toBe(79);
    expect([Math.min(...validation), Math.max(...validation)]).toEqual([80, 89]);
    expect(Math.min(...last)).toBe(90);
    const order = await column(join(folder, 'train.parquet'), 'i');
    expect(order).toEqual(order.toSorted((a, b) => a - b));
  });

  test('keeps rows of equal time together', async () => {
    const { files } = await arrange(
      `SELECT i, TIMESTAMP '2026-01-01' + to_days((i // 30)::INTEGER) AS at FROM range(100) t(i)`,
      { split: { kind: 'time', shares: [50, 50] } },
    );
    expect(files.map(({ path, rows }) => [path, rows])).toEqual([
      ['train.parquet', 60],
      ['test.parquet', 40],
    ]);
  });

  test('of no rows, or of one time, has parts without rows', async () => {
    const split = { kind: 'time', shares: [80, 10, 10] } as const;
    const same = await arrange(`SELECT i, TIMESTAMP '2026-01-01' AS at FROM range(5) t(i)`, { split });
    expect(same.files.map(({ rows }) => rows)).toEqual([5, 0, 0]);
    const none = await arrange(`SELECT 1 AS i, TIMESTAMP '2026-01-01' AS at LIMIT 0`, { split });
    expect(none.files.map(({ rows }) => rows)).toEqual([0, 0, 0]);
  });

  test('reads times that are text with their zones', async () => {
    const { folder } = await arrange(
      `SELECT * FROM (VALUES (1, '2026-01-01T03:00:00+05:00'), (2, '2026-01-01T00:00:00Z')) t(i, "at")`,
      { split: { kind: 'time', shares: [50, 50] } },
    );
    expect(await column(join(folder, 'train.parquet'), 'i')).toEqual([1]);
  });
});

describe('a split by entity', () => {
  const split = { kind: 'entity', shares: [80, 10, 10], columns: ['a', 'b'] } as const;
  const rows = (many: number, entities: number) =>
    `SELECT i, i % ${entities} AS a, if(i % ${entities} % 10 = 0, NULL, 'k' || (i % ${entities})) AS b, ${at} FROM range(${many}) t(i)`;

  test('has no entity in two parts, and about the shares of entities', async () => {
    const { folder, files } = await arrange(rows(20_000, 5000), { split });
    const [[twice] = []] = await world.run(
      `SELECT count(*) FROM (SELECT a, b FROM read_parquet('${folder}/*.parquet', filename = true) GROUP BY ALL HAVING count(DISTINCT filename) > 1)`,
    );
    expect(Number(twice)).toBe(0);
    expect(files.reduce((sum, file) => sum + file.rows, 0)).toBe(20_000);
    const [train = 0, validation = 0, last = 0] = files.map((file) => file.rows / 20_000);
    expect(train).toBeGreaterThan(0.77);
    expect(train).toBeLessThan(0.83);
    expect(validation).toBeGreaterThan(0.08);
    expect(last).toBeGreaterThan(0.08);
  });

  test('puts an entity into the same part whatever else is in the set', async () => {
    const [few, many] = [
      await arrange(rows(500, 500), { split }),
      await arrange(rows(20_000, 5000), { split }),
    ];
    const [[moved] = []] = await world.run(
      `SELECT count(*) FROM read_parquet('${few.folder}/test.parquet') one JOIN read_parquet('${many.folder}/train.parquet') other ON one.a = other.a AND one.b = other.b`,
    );
    expect(Number(moved)).toBe(0);
  });
});

describe('files', () => {
  test('of so many rows each hold all rows in order', async () => {
    const { folder, files } = await arrange(`SELECT i, ${at} FROM range(25) t(i)`, { rowsPerFile: 10 });
    expect(files.map(({ path, rows }) => [path, rows])).toEqual([
      ['data-00000.parquet', 10],
      ['data-00001.parquet', 10],
      ['data-00002.parquet', 5],
    ]);
    const all: number[] = [];
    for (const { path } of files) all.push(...(await column(join(folder, path), 'i')));
    expect(all).toEqual(Array.from({ length: 25 }, (_, i) => i));
    const none = await arrange(`SELECT 1 AS i, TIMESTAMP '2026-01-01' AS at LIMIT 0`, { rowsPerFile: 10 });
    expect(none.files.map(({ path, rows }) => [path, rows])).toEqual([['data-00000.parquet', 0]]);
  });

  test('of CSV tell null from empty text, and say that times are UTC', async () => {
    const { folder } = await arrange(
      `SELECT * FROM (VALUES (TIMESTAMP '2026-01-01 01:02:03.5', '', 'a,"b"', [1, 2]), (NULL, NULL, 'é', NULL)) t("at", empty, text, list)`,
      { format: 'csv' },
    );
    expect(await readFile(join(folder, 'data.csv'), 'utf8')).toBe(
      'at,empty,text,list\n2026-01-01T01:02:03.500000Z,"","a,""b""","[1, 2]"\n,,é,\n',
    );
    const times = await arrange(
      `SELECT TIMESTAMPTZ '2026-01-01 01:00:00+01' AS zoned, TIMESTAMP_NS '2026-01-01 00:00:00.000000001' AS nanos,
        [TIMESTAMP '2026-01-01', NULL, '0001-01-01', '9999-12-31 23:59:59.999999', 'infinity'] AS many, [TIMESTAMPTZ '2026-01-01 01:00:00+01'] AS zones, [TIMESTAMP_NS '1969-12-31 23:59:59.999999999', 'infinity'] AS fine, NULL::TIMESTAMP[] AS none`,
      { format: 'csv' },
    );
    expect(await readFile(join(times.folder, 'data.csv'), 'utf8')).toBe(
      'zoned,nanos,many,zones,fine,none\n2026-01-01T00:00:00.000000Z,2026-01-01T00:00:00.000000001Z,' +
        `"['2026-01-01T00:00:00.000000Z', NULL, '0001-01-01T00:00:00.000000Z', '9999-12-31T23:59:59.999999Z', infinity]",` +
        `['2026-01-01T00:00:00.000000Z'],"['1969-12-31T23:59:59.999999999Z', infinity]",\n`,
    );
  });

  const groups = `SELECT i, i % 1000 AS a, md5(i::VARCHAR) AS text, ${at} FROM range(300000) t(i)`;

  test.each<Partial<TableLayout>>([
    { split: { kind: 'entity', shares: [60, 40], columns: ['a'] } },
    { split: { kind: 'time', shares: [40, 60] } },
    { rowsPerFile: 160_001 },
    { rowsPerFile: 150_000, split: { kind: 'entity', shares: [60, 40], columns: ['a'] } },
  ])(
    'have the same bytes each time, with more rows than a group has and any number of threads: %j',
    async (layout) => {
      const first = await arrange(groups, layout);
      for (const threads of [1, 4]) {
        await world.run(`SET threads = ${threads}`);
        expect((await arrange(groups, layout)).files).toEqual(first.files);
      }
      await world.run('SET threads = 2');
      for (const { path } of first.files) {
        const order = await column(join(first.folder, path), 'i');
        expect(order.every((value, at) => at === 0 || value > (order[at - 1] ?? 0))).toBe(true);
      }
    },
  );

  test('have no column of a folder called key=value that they lie in', async () => {
    const folder = join(world.folder, 'env=prod');
    await mkdir(folder);
    const from = join(folder, 'rows.parquet');
    await world.run(`COPY (SELECT i, ${at} FROM range(10) t(i)) TO '${from}' (FORMAT parquet)`);
    const layout: TableLayout = { ...plain, split: { kind: 'time', shares: [50, 50] } };
    const request = { from, folder, name: 'data', timestampField: 'at', layout };
    const files = await createDuckDbTableArranger(world.db).arrange(request);
    for (const { path } of files) {
      const columns = `DESCRIBE FROM read_parquet('${join(folder, path)}', hive_partitioning = false)`;
      expect((await world.run(columns)).map(([name]) => name)).toEqual(['i', 'at']);
    }
  });

  test('are in order whatever their columns are called', async () => {
    const select = `SELECT i, -i AS file_row_number, i % 7 AS "__ROW", i % 3 AS __row_, ${at} FROM range(300) t(i)`;
    const layout = { split: { kind: 'entity', shares: [60, 40], columns: ['i'] } } as const;
    const { folder, files } = await arrange(select, layout);
    for (const { path } of files) {
      const order = await column(join(folder, path), 'i');
      expect(order.length).toBeGreaterThan(0);
      expect(order).toEqual(order.toSorted((a, b) => a - b));
      expect(await world.run(`DESCRIBE FROM read_parquet('${join(folder, path)}')`)).toHaveLength(5);
    }
  });
});
