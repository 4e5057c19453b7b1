import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { DataType, type Table, tableFromIPC } from 'apache-arrow';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createDuckDb, type DuckDbEngine } from '../../src/offline/duckdb/engine.ts';
import { createDuckDbTableArranger } from '../../src/offline/duckdb/tables/duckdb-table-arranger.ts';
import type { TableLayout } from '../../src/offline/table-arranger.ts';

let folder: string;
let db: DuckDbEngine;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'tidemark-arrow-'));
  db = await createDuckDb({ memory: '500MB', threads: 2, tempDir: join(folder, 'spill') });
});
afterAll(async () => {
  await db.close();
  await rm(folder, { recursive: true, force: true });
});

const rowsOf = (sql: string) =>
  db.withConnection(async (connection) => (await connection.runAndReadAll(sql)).getRows());

/** Writes the rows of a query as Parquet, and those as Arrow. */
async function arranged(select: string, layout: Partial<TableLayout> = {}) {
  const place = await mkdtemp(join(folder, 'set-'));
  const from = join(place, 'joined.parquet');
  await rowsOf(`COPY (${select}) TO '${from}' (FORMAT parquet)`);
  const files = await createDuckDbTableArranger(db).arrange({
    from,
    folder: place,
    name: 'data',
    layout: { format: 'arrow', rowsPerFile: null, split: null, ...layout },
    timestampField: 'at',
    vectors: { place: 2, exact: 2 },
  });
  return { from, files, paths: files.map(({ path }) => join(place, path)) };
}

const read = async (path: string): Promise<Table> => tableFromIPC(await readFile(path));
const typesOf = ({ schema }: Table) =>
  Object.fromEntries(schema.fields.map(({ name, type }) => [name, String(type)]));

/** Every type that a training set may have; odd rows are null throughout, and lists hold nulls. */
const everyType = `
  SELECT b.* EXCLUDE (i), r.i AS row_id FROM range(20) r(i) LEFT JOIN (
    SELECT i, i % 4 = 0 AS yes, (i - 8)::TINYINT AS i8, (-i)::SMALLINT AS i16, (i * 1000)::INTEGER AS i32,
      9007199254740993 + i AS i64, i::UTINYINT AS u8, i::USMALLINT AS u16, 4294967295::UINTEGER AS u32,
      18446744073709551615::UBIGINT AS u64, (i / 3)::FLOAT AS f32, i / 3 AS f64,
      CASE i % 3 WHEN 0 THEN 'nan'::DOUBLE WHEN 1 THEN '-inf'::DOUBLE ELSE -0.0 END AS odd,
      repeat('ä', (i % 5)::INTEGER) AS text, '{"a": 1}'::JSON AS doc, '3fa85f64-5717-4562-b3fc-2c963f66afa6'::UUID AS id,
      '\\x00\\xFF'::BLOB || encode(i::VARCHAR) AS raw, TIMESTAMP '1969-12-31 23:59:59.999999' + to_microseconds(i) AS "at",
      TIMESTAMPTZ '2026-03-29 01:30:00.000001+02' AS zoned, 'infinity'::TIMESTAMP AS endless,
      TIMESTAMP_NS '2026-01-01 00:00:00.123456789' AS nanos, DATE '1969-12-30' + i::INTEGER AS day,
      (i - 8.25)::DECIMAL(9,2) AS price, -12345678901234567890123456789.123::DECIMAL(38,3) AS large,
      CASE i % 6 WHEN 0 THEN [] ELSE [i, NULL, 9007199254740993] END AS many, ['a', NULL, 'ü'] AS texts,
      [TIMESTAMP '2026-01-01'] AS times, [true, NULL, false] AS yeses,
      [i, 0.1]::FLOAT[] AS place, [i, 0.1]::DOUBLE[] AS exact
    FROM range(20) t(i)) b ON b.i = r.i AND r.i % 2 = 0 ORDER BY r.i`;

describe('an Arrow file', () => {
  test('has the types of the columns, in no dictionary', async () => {
    const { paths } = await arranged(everyType);
    expect(typesOf(await read(paths[0] ?? ''))).toEqual({
      yes: 'Bool',
      i8: 'Int8',
      i16: 'Int16',
      i32: 'Int32',
      i64: 'Int64',
      u8: 'Uint8',
      u16: 'Uint16',
      u32: 'Uint32',
      u64: 'Uint64',
      f32: 'Float32',
      f64: 'Float64',
      odd: 'Float64',
      text: 'Utf8',
      doc: 'Utf8',
      id: 'Utf8',
      raw: 'Binary',
      at: 'Timestamp<MICROSECOND, UTC>',
      zoned: 'Timestamp<MICROSECOND, UTC>',
      endless: 'Timestamp<MICROSECOND, UTC>',
      nanos: 'Timestamp<NANOSECOND, UTC>',
      day: 'Date32<DAY>',
      price: 'Decimal[9e+2]',
      large: 'Decimal[38e+3]',
      many: 'List<Int64>',
      texts: 'List<Utf8>',
      times: 'List<Timestamp<MICROSECOND, UTC>>',
      yeses: 'List<Bool>',
      place: 'FixedSizeList[2]<Float32>',
      exact: 'FixedSizeList[2]<Float64>',
      row_id: 'Int64',
    });
  });

  test('holds the values of its Parquet twin, read back with apache-arrow', async () => {
    const { from, paths } = await arranged(everyType);
    const table = await read(paths[0] ?? '');
    // As the numbers and bytes that lie in the file, without the library's conversions.
    const twin = await rowsOf(`SELECT * REPLACE (epoch_us("at") AS "at", epoch_us(zoned) AS zoned,
      if(endless IS NULL, NULL, 9223372036854775807) AS endless, epoch_ns(nanos) AS nanos,
      (day - DATE '1970-01-01')::INTEGER AS day, (price * 100)::BIGINT AS price, (large * 1000)::DECIMAL(38,0)::VARCHAR AS large,
      hex(raw) AS raw, id::VARCHAR AS id, list_transform(times, lambda t: epoch_us(t)) AS times)
      FROM read_parquet('${from}')`);
    const names = table.schema.fields.map(({ name }) => name);
    for (const [row, expected] of twin.entries()) {
      for (const [at, name] of names.entries()) {
        expect([name, row, raw(table, name, row)]).toEqual([name, row, plain(expected[at])]);
      }
    }
    expect(twin).toHaveLength(20);
  });

  test('holds the values of its Parquet twin, read back with pyarrow', async (context) => {
    const python = process.env.TIDEMARK_TEST_PYTHON ?? 'python3';
    const run = promisify(execFile);
    const has = await run(python, ['-c', 'import pyarrow']).then(
      () => true,
      () => false,
    );
    if (!has) context.skip(`${python} has no pyarrow`);
    const { from, paths } = await arranged(everyType);
    const script = `
import sys, pyarrow as pa, pyarrow.parquet as pq, math
twin, table = pq.read_table(sys.argv[1]), pa.ipc.open_file(pa.memory_map(sys.argv[2])).read_all()
table.validate(full=True)
assert table.column_names == twin.column_names
def same(a, b):
    if isinstance(a, float) and isinstance(b, float): return (math.isnan(a) and math.isnan(b)) or a == b
    if isinstance(a, list) and isinstance(b, list): return len(a) == len(b) and all(map(same, a, b))
    return str(a) == str(b) if type(a).__name__ == 'UUID' else a == b
for name in table.column_names:
    one, other = table[name], twin[name]
    if pa.types.is_timestamp(one.type): one, other = one.cast(pa.int64()), other.cast(pa.int64())
    if name == 'times': one, other = one.cast(pa.list_(pa.int64())), other.cast(pa.list_(pa.int64()))
    if str(other.type).startswith('extension'): other = other.cast(other.type.storage_type)
    if name == 'id': import uuid; other = pa.array([None if v is None else str(uuid.UUID(bytes=v)) if isinstance(v, bytes) else str(v) for v in other.to_pylist()])
    for a, b in zip(one.to_pylist(), other.to_pylist()):
        assert same(a, b), (name, a, b)
print(table.num_rows)`;
    const { stdout } = await run(python, ['-c', script, from, paths[0] ?? '']);
    expect(stdout.trim()).toBe('20');
  });

  test('has the same bytes every time, in batches of a size that nothing else decides', async () => {
    const select = `SELECT i AS row_id, 'text ' || i % 1000 AS t, [i, NULL] AS l, i % 7 = 0 AS b FROM range(150_000) t(i) ORDER BY i`;
    const [one, other] = [await arranged(select), await arranged(select)];
    expect(one.files).toEqual(other.files);
    const table = await read(one.paths[0] ?? '');
    expect(table.batches.map(({ numRows }) => numRows)).toEqual([65_536, 65_536, 18_928]);
    const ids = table.getChild('row_id')?.toArray() as BigInt64Array;
    expect(ids.every((id, at) => id === BigInt(at))).toBe(true);
    expect(table.getChild('t')?.get(149_999)).toBe('text 999');
    expect([...(table.getChild('l')?.get(70_000) ?? [])]).toEqual([70_000n, null]);
    expect(one.files[0]).toMatchObject({ path: 'data.arrow', rows: 150_000 });
  });

  test('is one of several by rows, or by part, and one without rows says its types', async () => {
    const select = `SELECT i AS row_id, TIMESTAMP '2026-01-01' + to_hours(i) AS "at" FROM range(10) t(i)`;
    const { files, paths } = await arranged(select, { rowsPerFile: 4 });
    expect(files.map(({ path, rows }) => [path, rows])).toEqual([
      ['data-00000.arrow', 4],
      ['data-00001.arrow', 4],
      ['data-00002.arrow', 2],
    ]);
    expect([...((await read(paths[2] ?? '')).getChild('row_id') ?? [])]).toEqual([8n, 9n]);
    const split = await arranged(select, { split: { kind: 'time', shares: [50, 50] } });
    expect(split.files.map(({ path, rows }) => [path, rows])).toEqual([
      ['train.arrow', 5],
      ['test.arrow', 5],
    ]);
    const none = await arranged(`${select} WHERE false`);
    const empty = await read(none.paths[0] ?? '');
    expect(empty.numRows).toBe(0);
    expect(typesOf(empty)).toEqual({ row_id: 'Int64', at: 'Timestamp<MICROSECOND, UTC>' });
  });

  test('of a type that no feature has is refused, and nothing is left behind', async () => {
    await expect(arranged(`SELECT {'a': 1} AS odd`)).rejects.toMatchObject({
      code: 'REQUEST_INVALID',
      message: expect.stringContaining('column "odd" as Arrow: it is STRUCT(a INTEGER)'),
    });
  });
});

/** What lies in the file. */
function raw(table: Table, name: string, row: number): unknown {
  const vector = table.getChild(name);
  if (vector === null || !vector.isValid(row)) return null;
  const { type } = vector;
  if (DataType.isTimestamp(type) || DataType.isDate(type)) return plain(vector.data[0]?.values[row]);
  if (DataType.isDecimal(type)) {
    const words = new BigInt64Array(
      Uint32Array.from(vector.data[0]?.values.subarray(row * 4, row * 4 + 4)).buffer,
    );
    const whole = ((words[1] ?? 0n) << 64n) + BigInt.asUintN(64, words[0] ?? 0n);
    return name === 'large' ? String(whole) : plain(whole);
  }
  const value: unknown = vector.get(row);
  if (DataType.isBinary(type))
    return Buffer.from(value as Uint8Array)
      .toString('hex')
      .toUpperCase();
  if (DataType.isList(type) && DataType.isTimestamp(type.valueType)) {
    const items = value as { readonly data: readonly { readonly values: BigInt64Array }[] };
    return [...(items.data[0]?.values ?? [])].map(plain);
  }
  if (DataType.isList(type) || DataType.isFixedSizeList(type))
    return [...(value as Iterable<unknown>)].map(plain);
  return plain(value);
}

/** Comparable whichever library it came from: whole numbers as text, so that none is rounded. */
function plain(value: unknown): unknown {
  if (typeof value === 'bigint') return `${value}`;
  if (typeof value === 'number') return Object.is(value, -0) ? '-0' : `${value}`;
  if (typeof value !== 'object' || value === null) return value;
  return 'items' in value ? (value.items as readonly unknown[]).map(plain) : String(value);
}
