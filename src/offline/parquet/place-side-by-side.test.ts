import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type DuckDBConnection, DuckDBInstance } from '@duckdb/node-api';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { placeSideBySide } from './place-side-by-side.ts';

const ROWS = 50_000;
const FORMAT = '(FORMAT parquet, COMPRESSION zstd, ROW_GROUP_SIZE 20480)';

/** Of every shape and encoding: dictionaries with bloom filters, plain, nested, all null, booleans. */
const COLUMNS: Readonly<Record<string, string>> = {
  n: 'i',
  shop: "'shop ' || i % 500",
  'sh"op ü': "'text ' || i",
  real: 'hash(i)::DOUBLE',
  list: '[i, NULL]',
  pair: "{'a': i, 'b': ['x', NULL], 'c': {'d': i % 3}}",
  pairs: "map {'k': i}",
  nothing: 'NULL::INTEGER',
  flag: 'i % 7 = 0',
  at: "TIMESTAMPTZ '2026-01-01' + to_microseconds(i)",
  bytes: "encode('b' || i % 9)",
  amount: '(i / 7.0)::DECIMAL(18, 3)',
};

let folder: string;
let connection: DuckDBConnection;
let close: () => void;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'tidemark-parquet-'));
  const instance = await DuckDBInstance.create(':memory:', { threads: '2' });
  connection = await instance.connect();
  close = () => {
    connection.closeSync();
    instance.closeSync();
  };
});
afterAll(async () => {
  close();
  await rm(folder, { recursive: true, force: true });
});

const quoted = (name: string) => `"${name.replaceAll('"', '""')}"`;
const at = (name: string) => join(folder, `${name}.parquet`);

async function write(
  name: string,
  columns: Readonly<Record<string, string>>,
  { rows = ROWS, format = FORMAT } = {},
): Promise<string> {
  const select = Object.entries(columns).map(([column, sql]) => `${sql} AS ${quoted(column)}`);
  await connection.run(
    `COPY (SELECT ${select.join(', ')} FROM range(${rows}) t(i) ORDER BY i) TO '${at(name)}' ${format}`,
  );
  return at(name);
}

/** The columns in two files, under other names. */
async function inTwo(rows?: number) {
  const names = Object.keys(COLUMNS);
  const [even, odd] = await Promise.all(
    [0, 1].map((rest) =>
      write(
        `half-${rest}-${rows}`,
        Object.fromEntries(
          names.flatMap((name, index) => (index % 2 === rest ? [[`c${index}`, COLUMNS[name] ?? '']] : [])),
        ),
        rows === undefined ? {} : { rows },
      ),
    ),
  );
  return names.map((name, index) => ({
    path: (index % 2 === 0 ? even : odd) ?? '',
    column: `c${index}`,
    name,
  }));
}

describe('columns of several Parquet files, side by side in one,', () => {
  test.each([ROWS, 1, 0])('are to the byte what DuckDB writes of them at once (%i rows)', async (rows) => {
    const expected = await write('at-once', COLUMNS, { rows });
    await placeSideBySide(at('placed'), await inTwo(rows));
    expect((await readFile(at('placed'))).equals(await readFile(expected))).toBe(true);
  });

  test('come in the order that is asked for, and only those', async () => {
    const columns = await inTwo();
    const [shop, pair, n] = ['shop', 'pair', 'n'].map((name) => columns.find((one) => one.name === name));
    if (shop === undefined || pair === undefined || n === undefined) throw new RangeError('columns');
    await placeSideBySide(at('some'), [{ ...pair, name: 'first' }, shop, { ...n, name: 'last' }]);
    const expected = await write('some-at-once', {
      first: COLUMNS.pair ?? '',
      shop: COLUMNS.shop ?? '',
      last: 'i',
    });
    expect((await readFile(at('some'))).equals(await readFile(expected))).toBe(true);
  });

  test('are refused when their row groups differ', async () => {
    const some = await write('some-rows', { a: 'i' });
    const others = [
      await write('fewer-rows', { b: 'i' }, { rows: ROWS - 1 }),
      await write('other-groups', { b: 'i' }, { format: FORMAT.replace('20480', '10240') }),
    ];
    for (const other of others) {
      const columns = [
        { path: some, column: 'a', name: 'a' },
        { path: other, column: 'b', name: 'b' },
      ];
      await expect(placeSideBySide(at('refused'), columns)).rejects.toThrow(/Row groups of .* rows/);
    }
  });

  test('are refused when a file lacks one, or is no Parquet file, or is cut', async () => {
    const some = await write('whole', { a: 'i' });
    const bytes = await readFile(some);
    await writeFile(at('text'), 'This is text, and longer than a footer.');
    await writeFile(at('empty'), '');
    await writeFile(at('cut'), bytes.subarray(0, bytes.length - 100));
    const place = (path: string, column: string) =>
      placeSideBySide(at('refused'), [{ path, column, name: 'a' }]);
    await expect(place(some, 'b')).rejects.toThrow('There is no column "b"');
    for (const name of ['text', 'empty', 'cut']) {
      await expect(place(at(name), 'a')).rejects.toThrow('no Parquet file');
    }
  });
});
