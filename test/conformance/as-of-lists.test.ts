import { randomUUID } from 'node:crypto';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { FeatureSpec } from '../../src/core/feature-view.ts';
import { type DurationMicros, durationOf, timeOf } from '../../src/core/time.ts';
import type { ValueType } from '../../src/core/value-type.ts';
import type { AsOfView, Spine } from '../../src/offline/as-of-engine.ts';
import { writeFeatureFile } from '../../src/offline/duckdb/feature-file.ts';
import { CREATED_TIME, EVENT_TIME, INTERVAL_END } from '../../src/offline/offline-columns.ts';
import { batchView, fileSource } from '../support/offline-case.ts';
import { createDuckDbWorld, type DuckDbWorld } from './duckdb-world.ts';

const TYPES = {
  place: 'vector(2)',
  numbers: 'array<int64>',
  texts: 'array<string>',
  truths: 'array<bool>',
  times: 'array<timestamp>',
  days: 'array<date>',
  raws: 'array<bytes>',
  halves: 'array<float32>',
} as const satisfies Readonly<Record<string, ValueType>>;
const FEATURES = Object.entries(TYPES).map(([name, type]): FeatureSpec => ({ name, type, description: '' }));

/** By entity: all there, with nulls inside; empty; null. */
const VALUES = `
  SELECT i AS user_id, [0.5, -0.0]::FLOAT[2] AS place, [1, NULL, 9007199254740993] AS numbers, ['a', NULL, ''] AS texts,
    [true, NULL, false] AS truths, [TIMESTAMP '2026-01-01 00:00:00.000001', NULL] AS times,
    [DATE '1969-12-31', NULL] AS days, ['\\x00\\xFF'::BLOB, NULL] AS raws, [0.1, NULL]::FLOAT[] AS halves FROM range(1, 2) t(i)
  UNION ALL SELECT 2, [1, 2], [], [], [], [], [], [], []
  UNION ALL SELECT 3, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL`;

let world: DuckDbWorld;
beforeAll(async () => {
  world = await createDuckDbWorld();
});
afterAll(() => world.close());

/** The view's file as materializing writes it, joined to users 1 to 4 at a time when all of it is there. */
async function joined(ttl: DurationMicros | null): Promise<{ readonly path: string; readonly file: string }> {
  const view = batchView(
    fileSource({ path: 'none' }),
    { kind: 'passthrough' },
    FEATURES.map(({ name, type }) => [name, type]),
  );
  const name = `${randomUUID()}.parquet`;
  const file = join(world.folder, 'offline', name);
  const times = [EVENT_TIME, CREATED_TIME, INTERVAL_END]
    .map((column) => `TIMESTAMP '2026-01-01 01:00:00' AS ${column}`)
    .join(', ');
  await world.db.withConnection((connection) =>
    writeFeatureFile(connection, view, `SELECT *, ${times} FROM (${VALUES})`, file),
  );
  const spine: Spine = {
    kind: 'query',
    query: `SELECT i AS user_id, TIMESTAMP '2026-01-01 02:00:00' AS "at", if(i % 2 = 0, [i, NULL], NULL) AS given,
      b.near FROM range(1, 5) t(i) LEFT JOIN (SELECT 1 AS j, [1, 2]::FLOAT[2] AS near) b ON j = i ORDER BY i`,
    timestampField: 'at',
  };
  const asOf: AsOfView = {
    view: 'lists',
    version: 1,
    joinKeys: [{ name: 'user_id', type: 'int64' }],
    spineColumns: ['user_id'],
    features: FEATURES.map((feature) => ({ feature, output: feature.name })),
    ttl,
    dataDelay: durationOf('0s'),
    slices: [
      {
        path: name,
        revision: 0,
        range: { start: timeOf('2026-01-01'), end: timeOf('2026-01-01T01:00:00') },
      },
    ],
  };
  const path = world.outputPath();
  await world.engine.join({ spine, views: [asOf], knownAt: { kind: 'any' }, path });
  return { path, file };
}

describe.each([
  ['without TTL', null],
  ['with a TTL', durationOf('2h')],
] as const)('arrays and vectors of a view %s', (_, ttl) => {
  test('come through as they are, with nulls inside, empty, and null', async () => {
    const { path } = await joined(ttl);
    const names = FEATURES.map(({ name }) => name).join(', ');
    const different = await world.run(
      `SELECT count(*) FROM (SELECT user_id, ${names} FROM read_parquet('${path}')) s FULL JOIN
       (SELECT * FROM (${VALUES}) UNION ALL SELECT 4, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL) v USING (user_id)
       WHERE ${FEATURES.map(({ name }) => `s.${name}::VARCHAR IS DISTINCT FROM v.${name}::VARCHAR`).join(' OR ')}`,
    );
    expect(Number(different[0]?.[0])).toBe(0);
    const [first] = await world.read(path);
    expect(first).toMatchObject({
      numbers: [1n, null, 9007199254740993n],
      texts: ['a', null, ''],
      truths: [true, null, false],
      times: [timeOf('2026-01-01T00:00:00.000001'), null],
      raws: [Uint8Array.of(0, 255), null],
    });
    expect(await world.run(`SELECT given, near FROM read_parquet('${path}')`)).toHaveLength(4);
  });

  test('are Parquet that other readers take: a null one is one entry, and no items', async () => {
    const { path, file } = await joined(ttl);
    const entries = async (from: string, column: string) => {
      const [row] = await world.run(
        `SELECT sum(num_values) FROM parquet_metadata('${from}') WHERE path_in_schema LIKE '${column}%'`,
      );
      return Number(row?.[0]);
    };
    // Two vectors of two, one null; and for the entity row without a match another.
    expect(await entries(file, 'place')).toBe(5);
    expect(await entries(path, 'place')).toBe(6);
    expect(await entries(path, 'near')).toBe(5);
  });
});
