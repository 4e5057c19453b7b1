import { randomUUID } from 'node:crypto';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type DurationMicros, durationOf } from '../../src/core/time.ts';
import type { KeyType, ValueType } from '../../src/core/value-type.ts';
import type { AsOfView, Spine } from '../../src/offline/as-of-engine.ts';
import { createDuckDbWorld, type DuckDbWorld } from './duckdb-world.ts';

/** Columns go through the join in the narrowest types that hold them: what comes out is what went in, to the type. */
let world: DuckDbWorld;
beforeAll(async () => {
  world = await createDuckDbWorld();
});
afterAll(() => world.close());

const TIME = "TIMESTAMP '2026-03-01' + to_microseconds(i * 1234567)";

/** A column for each way to be carried; `i` counts the rows. */
const COLUMNS: Readonly<Record<string, string>> = {
  n: 'i',
  flag: 'i % 2',
  small: '(i % 200 - 100)::BIGINT',
  most_u8: 'CASE WHEN i = 3 THEN 255 ELSE 0 END::BIGINT',
  over_u8: 'CASE WHEN i = 3 THEN 256 ELSE 0 END::BIGINT',
  u16: '(i * 200 % 65536)::INTEGER',
  u32: 'CASE WHEN i = 3 THEN 4294967295 ELSE i END::BIGINT',
  i64: 'CASE WHEN i = 3 THEN -9223372036854775808 ELSE 9223372036854775807 END::BIGINT',
  u64: 'CASE WHEN i = 3 THEN 18446744073709551615 ELSE i END::UBIGINT',
  i16: '(i - 30)::SMALLINT',
  u8: '(i % 256)::UTINYINT',
  holes: 'CASE WHEN i % 3 = 0 THEN i END',
  nothing: 'NULL::BIGINT',
  nothing_32: 'NULL::INTEGER',
  half: 'i / 2.0::DOUBLE',
  words: "'w' || i",
  day: "DATE '2026-03-01' + i::INTEGER",
  zoned: `(${TIME})::TIMESTAMPTZ`,
  nanos: `(${TIME})::TIMESTAMP_NS`,
  seconds: `(${TIME})::TIMESTAMP_S`,
  list: '[i, NULL, -i]',
  vector: '[i, 2]::FLOAT[2]',
  pair: "{'a': i, 'b': 'x'}",
};

const FEATURES: readonly (readonly [name: string, type: ValueType, sql: string])[] = [
  ['tiny', 'int64', 'i % 100'],
  ['signed', 'int64', '(i % 300) - 150'],
  ['short', 'int32', '(i * 100)::INTEGER'],
  ['wide', 'int64', '9007199254740993 + i'],
  ['gaps', 'int64', 'CASE WHEN i % 2 = 0 THEN i END'],
  ['never', 'int32', 'NULL::INTEGER'],
  ['real', 'float64', 'i / 4.0::DOUBLE'],
];

const ROWS = 500;

interface Given {
  readonly at: string;
  readonly key: string;
  readonly keyType: KeyType;
  readonly fileKey: string;
  readonly more?: Partial<AsOfView>;
}

async function joined({ at, key, keyType, fileKey, more = {} }: Given) {
  const id = randomUUID();
  const spinePath = join(world.folder, `${id}.parquet`);
  const columns = Object.entries({ at, key, ...COLUMNS }).map(([name, sql]) => `${sql} AS "${name}"`);
  await world.run(
    `COPY (SELECT ${columns.join(', ')} FROM range(${ROWS}) t(i)) TO '${spinePath}' (FORMAT parquet, ROW_GROUP_SIZE 2048)`,
  );
  const values = FEATURES.map(([name, , sql]) => `${sql} AS ${name}`).join(', ');
  const event = "TIMESTAMP '2026-03-01' + to_seconds(i)";
  await world.run(
    `COPY (SELECT ${fileKey} AS key, ${event} AS __event_time, __event_time AS __created_time, __event_time AS __interval_end,
      ${values} FROM range(${ROWS}) t(i)) TO '${join(world.folder, 'offline', `${id}.parquet`)}' (FORMAT parquet)`,
  );
  const view: AsOfView = {
    view: 'v',
    version: 1,
    joinKeys: [{ name: 'key', type: keyType }],
    spineColumns: ['key'],
    features: FEATURES.map(([name, type]) => ({ feature: { name, type, description: '' }, output: name })),
    ttl: durationOf('1h'),
    dataDelay: 0n as DurationMicros,
    slices: [{ path: `${id}.parquet`, revision: 0 }],
    ...more,
  };
  const spine: Spine = { kind: 'parquet', path: spinePath, timestampField: 'at' };
  const paths = { once: world.outputPath(), table: world.outputPath(), values: world.outputPath() };
  const request = { spine, knownAt: { kind: 'any' } } as const;
  await world.engine.join({ ...request, views: [view], path: paths.once });
  // Two views are joined beside the spine, which carries nothing.
  const other = { ...view, view: 'w', features: [] };
  await world.engine.join({ ...request, views: [view, other], path: paths.table });
  return { ...paths, spine: spinePath };
}

const rowsAndTypes = async (path: string, columns = '*') => ({
  rows: await world.run(`SELECT columns(*)::VARCHAR FROM (SELECT ${columns} FROM read_parquet('${path}'))`),
  types: (await world.run(`DESCRIBE SELECT ${columns} FROM read_parquet('${path}')`)).map((row) =>
    row.slice(0, 2),
  ),
});

const cases: Readonly<Record<string, Given>> = {
  'an int64 key that fits 32 bits': { at: TIME, key: '(i % 7)::BIGINT', keyType: 'int64', fileKey: 'i % 7' },
  'a key with nulls': {
    at: TIME,
    key: 'CASE WHEN i % 5 <> 0 THEN i % 7 END',
    keyType: 'int64',
    fileKey: 'i % 7',
  },
  'a key that no file has, beyond 32 bits': {
    at: TIME,
    key: 'i % 7 + CASE WHEN i % 2 = 0 THEN 5000000000 ELSE 0 END',
    keyType: 'int64',
    fileKey: 'i % 7',
  },
  'keys beyond 32 bits': {
    at: TIME,
    key: '5000000000 + i % 7',
    keyType: 'int64',
    fileKey: '5000000000 + i % 7',
  },
  'a key that is wider in the spine': {
    at: TIME,
    key: '(i % 7)::UBIGINT',
    keyType: 'int64',
    fileKey: 'i % 7',
  },
  'a narrow key of the spine': { at: TIME, key: '(i % 7)::UTINYINT', keyType: 'int64', fileKey: 'i % 7' },
  'an int32 key': { at: TIME, key: '(i % 7)::INTEGER', keyType: 'int32', fileKey: '(i % 7)::INTEGER' },
  'a text key': { at: TIME, key: "'k' || i % 7", keyType: 'string', fileKey: "'k' || i % 7" },
  'a UUID for a text key': {
    at: TIME,
    key: "('00000000-0000-0000-0000-00000000000' || i % 7)::UUID",
    keyType: 'string',
    fileKey: "'00000000-0000-0000-0000-00000000000' || i % 7",
  },
  'a bool key': { at: TIME, key: 'i % 2 = 0', keyType: 'bool', fileKey: 'i % 2 = 0' },
  'a zoned time': { at: `(${TIME})::TIMESTAMPTZ`, key: 'i % 7', keyType: 'int64', fileKey: 'i % 7' },
  'a time in nanoseconds': {
    at: `(${TIME})::TIMESTAMP_NS + INTERVAL 1 MICROSECOND`,
    key: 'i % 7',
    keyType: 'int64',
    fileKey: 'i % 7',
  },
  'a date': {
    at: "DATE '2026-03-01' + (i // 100)::INTEGER",
    key: 'i % 7',
    keyType: 'int64',
    fileKey: 'i % 7',
  },
  'a label ahead of its row': {
    at: TIME,
    key: 'i % 7',
    keyType: 'int64',
    fileKey: 'i % 7',
    more: { horizon: durationOf('1m') },
  },
};

describe('one view, written as it is joined, gives', () => {
  test.each(Object.keys(cases))('every column and value in its type, with %s', async (name) => {
    const given = cases[name];
    if (given === undefined) throw new RangeError(name);
    const { once, table, spine } = await joined(given);
    const columns = ['at', 'key', ...Object.keys(COLUMNS)].map((column) => `"${column}"`).join(', ');
    const [found, expected] = [await rowsAndTypes(once, columns), await rowsAndTypes(spine, columns)];
    expect(found.rows).toEqual(expected.rows);
    expect(found.rows).toHaveLength(ROWS);
    expect(found.types).toEqual(expected.types);
    expect(await rowsAndTypes(once)).toEqual(await rowsAndTypes(table));
    const [[some] = []] = await world.run(`SELECT count(wide) FROM read_parquet('${once}')`);
    expect(Number(some)).toBeGreaterThan(0);
  });
});
