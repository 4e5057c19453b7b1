import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { FeatureRow } from '../../src/core/rows.ts';
import type { KeyType, KeyValue } from '../../src/core/value-type.ts';
import { createDuckDb, type DuckDbEngine } from '../../src/offline/duckdb/engine.ts';
import { createDuckDbFeatureReader } from '../../src/offline/duckdb/newest/duckdb-feature-reader.ts';
import { duckDbType } from '../../src/offline/duckdb/types.ts';
import type { FeatureReader, LatestRequest, PlaceOf } from '../../src/offline/feature-reader.ts';
import { ByteWriter } from '../../src/online/redis/byte-writer.ts';
import { entityKeyCodec } from '../../src/online/redis/key.ts';
import { anyKeys } from '../conformance/online-rows.ts';
import { batchView, fileSource, writeParquet } from '../support/offline-case.ts';

let engine: DuckDbEngine;
let reader: FeatureReader;
let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'tidemark-place-'));
  engine = await createDuckDb({ memory: '300MB', threads: 2, tempDir: join(folder, 'spill') });
  reader = createDuckDbFeatureReader(engine, { offlineRoot: folder });
});
afterAll(async () => {
  await engine.close();
  await rm(folder, { recursive: true });
});

const viewOf = (types: readonly KeyType[]) =>
  batchView(fileSource({ path: 'unused' }), { kind: 'passthrough' }, [['v', 'int64']], {
    joinKeys: types.map((type, at) => ({ name: `k${at}`, type })),
  });

async function latest(
  types: readonly KeyType[],
  request: Pick<LatestRequest, 'placeOf' | 'signal'>,
  from = reader,
): Promise<readonly FeatureRow[]> {
  const rows: FeatureRow[] = [];
  const slices = [{ path: 'rows.parquet', revision: 0 }];
  for await (const batch of from.latest({ view: viewOf(types), slices, ...request })) rows.push(...batch);
  return rows;
}

const TIMES = `TIMESTAMP '2026-01-05' AS __event_time, TIMESTAMP '2026-01-05' AS __created_time, TIMESTAMP '2026-01-05' AS __interval_end`;

/** One row of each key; text by its bytes, since a statement's text cannot hold every sign. */
async function writeKeys(types: readonly KeyType[], keys: readonly (readonly KeyValue[])[]): Promise<void> {
  const sqlOf = (value: KeyValue, type: KeyType) =>
    type === 'string'
      ? `decode(unhex('${Buffer.from(String(value)).toString('hex')}'))`
      : `'${value}'::${duckDbType(type)}`;
  const names = ['v', ...types.map((_, at) => `k${at}`)];
  const rows = keys.map((key, row) =>
    [`${row}::BIGINT`, ...types.map((type, at) => sqlOf(key[at] ?? 0, type))].join(', '),
  );
  const values = `(VALUES (${rows.join('), (')})) t(${names.join(', ')})`;
  await writeParquet(engine, join(folder, 'rows.parquet'), `SELECT *, ${TIMES} FROM ${values}`);
}

/** Writes `sql` (of `i`) as the one key of so many rows. */
const writeMany = (sql: string, count: number) =>
  writeParquet(
    engine,
    join(folder, 'rows.parquet'),
    `SELECT i AS v, ${sql} AS k0, ${TIMES} FROM range(${count}) t(i)`,
  );

function bucketsOf(types: readonly KeyType[]): PlaceOf {
  const codec = entityKeyCodec('view', types);
  const writer = new ByteWriter(16);
  return (key) => {
    writer.length = 0;
    return codec.encode(writer, key);
  };
}

const ascending = (places: readonly number[]) => places.toSorted((a, b) => a - b);
/** So that no number is taken for the text of it. */
const text = (key: readonly KeyValue[]) => key.map((value) => `${typeof value} ${value}`).join('\n');

async function expectOrder(types: readonly KeyType[], keys: readonly (readonly KeyValue[])[]) {
  await writeKeys(types, keys);
  const bucketOf = bucketsOf(types);
  const asked = new Set<string>();
  const rows = await latest(types, {
    placeOf: (key) => {
      asked.add(text(key));
      return bucketOf(key);
    },
  });
  const expected = [...new Set(keys.map(text))].toSorted();
  expect(rows.map(({ key }) => text(key)).toSorted()).toEqual(expected);
  if (types.length > 0) expect([...asked].toSorted()).toEqual(expected);
  const places = rows.map(({ key }) => bucketOf(key));
  expect(places).toEqual(ascending(places));
}

test('rows of any keys come in the order of the buckets that they are written to', async () => {
  await fc.assert(
    fc.asyncProperty(
      // DuckDB's text of a date says 1 BC where others say the year 0.
      anyKeys.filter(({ keys }) => !keys.flat().some((value) => String(value).startsWith('0000-'))),
      ({ types, keys }) => expectOrder(types, keys),
    ),
    { numRuns: 40 },
  );
});

test('so do those of text that is empty, long, of other scripts, or holds separators', async () => {
  const texts = [
    '',
    ' ',
    '\0',
    'a:b',
    'a',
    'b',
    '{x}',
    '|',
    "'",
    '\r\n',
    'é',
    'e\u0301',
    '名前',
    '😀',
    '\u{10ffff}',
  ];
  const long = [11, 12, 13, 63, 64, 65, 10_000].flatMap((size) => ['x'.repeat(size), 'ß'.repeat(size)]);
  const keys = [...texts, ...long, ...Array.from({ length: 5000 }, (_, i) => `user-${i}`)].map((key) => [
    key,
  ]);
  await expectOrder(['string'], keys);
  await expectOrder(
    ['int64', 'string'],
    keys.map(([key = ''], at) => [BigInt(at % 3), key]),
  );
});

test('rows that are read in several parts are in order in each', async () => {
  await writeMany(`'user-' || i`, 20_000);
  const few = createDuckDbFeatureReader(engine, { offlineRoot: folder, passBytes: 500_000 });
  const placeOf: PlaceOf = ([name]) => Number(String(name).slice(5)) % 10;
  const places = (await latest(['string'], { placeOf }, few)).map(({ key }) => placeOf(key));
  expect(places).toHaveLength(20_000);
  const parts = 1 + places.filter((place, at) => place < (places[at - 1] ?? 0)).length;
  expect(parts).toBeGreaterThan(1);
  expect(places.filter((place, at) => place !== places[at - 1]).length).toBe(10 * parts);
});

test('of whole-number keys all parts together are in the order of the buckets', async () => {
  await writeMany('i', 20_000);
  const few = createDuckDbFeatureReader(engine, { offlineRoot: folder, passBytes: 500_000 });
  const placeOf = bucketsOf(['int64']);
  const places = (await latest(['int64'], { placeOf }, few)).map(({ key }) => placeOf(key));
  expect(places).toHaveLength(20_000);
  expect(places).toEqual(ascending(places));
});

test('requests at once are each ordered by their own places, and by those of another reader of the database', async () => {
  await writeMany('i', 10_000);
  const other = createDuckDbFeatureReader(engine, { offlineRoot: folder });
  const orders: readonly PlaceOf[] = [
    ([id]) => Number(id),
    ([id]) => 10_000 - Number(id),
    ([id]) => (Number(id) * 7919) % 10_007,
  ];
  const found = await Promise.all(
    [reader, other].flatMap((from) => orders.map((placeOf) => latest(['int64'], { placeOf }, from))),
  );
  for (const [at, rows] of found.entries()) {
    const places = rows.map(({ key }) => orders[at % 3]?.(key) ?? Number.NaN);
    expect(places).toHaveLength(10_000);
    expect(places).toEqual(ascending(places));
  }
});

test('a key that has no place is read all the same: whoever writes it says what is wrong', async () => {
  await writeMany(`'user-' || i`, 100);
  const placeOf: PlaceOf = ([name]) => {
    if (name === 'user-7') throw new Error('no such key');
    return 1;
  };
  expect(await latest(['string'], { placeOf })).toHaveLength(100);
});

test('reading that is cancelled while places are looked up ends at once', async () => {
  await writeMany(`'user-' || i`, 300_000);
  const abort = new AbortController();
  let looked = 0;
  const placeOf: PlaceOf = () => {
    looked += 1;
    if (looked === 1000) abort.abort();
    return looked;
  };
  await expect(latest(['string'], { placeOf, signal: abort.signal })).rejects.toMatchObject({
    code: 'CANCELLED',
  });
  expect(looked).toBeLessThan(100_000);
  expect(await latest(['string'], {})).toHaveLength(300_000);
});
