import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { FeatureRow } from '../../src/core/rows.ts';
import { formatTime, timeOf } from '../../src/core/time.ts';
import { createDuckDb, type DuckDbEngine } from '../../src/offline/duckdb/engine.ts';
import { createDuckDbFeatureReader } from '../../src/offline/duckdb/newest/duckdb-feature-reader.ts';
import type { FeatureReader, LatestRequest } from '../../src/offline/feature-reader.ts';
import { batchView, fileSource, writeParquet } from '../support/offline-case.ts';

let folder: string;
let engine: DuckDbEngine;
let reader: FeatureReader;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'tidemark-reader-'));
  engine = await createDuckDb({ memory: '300MB', threads: 2, tempDir: join(folder, 'spill') });
  reader = createDuckDbFeatureReader(engine, { offlineRoot: folder });
});
afterAll(async () => {
  await engine.close();
  await rm(folder, { recursive: true, force: true });
});

const view = batchView(
  fileSource({ path: 'unused' }),
  { kind: 'passthrough' },
  [
    ['v', 'int64'],
    ['e', 'vector(2)'],
  ],
  {
    joinKeys: [
      { name: 'user_id', type: 'int64' },
      { name: 'day', type: 'date' },
    ],
  },
);

/** Rows of [user, day, hour, created hour, value], in hourly intervals of 2026-01-05. */
async function write(path: string, rows: readonly (readonly [number, string, number, number, number])[]) {
  const time = (hour: number) => `TIMESTAMP '2026-01-05 00:00:00' + INTERVAL (${hour}) HOUR`;
  const values = rows.map(
    ([user, day, hour, created, v]) =>
      `(${user}::BIGINT, DATE '${day}', ${time(hour)}, ${time(created)}, ${time(hour)}, ${v}::BIGINT, [${v}, 0.5]::FLOAT[2])`,
  );
  await writeParquet(
    engine,
    join(folder, path),
    `SELECT * FROM (VALUES ${values.join(', ')}) t(user_id, day, __event_time, __created_time, __interval_end, v, e)`,
  );
}

async function latest(request: Omit<LatestRequest, 'view'>): Promise<readonly FeatureRow[]> {
  const rows: FeatureRow[] = [];
  for await (const batch of reader.latest({ view, ...request })) rows.push(...batch);
  return rows.toSorted((a, b) => String(a.key).localeCompare(String(b.key)));
}

const hour = (of: number) => timeOf(`2026-01-05T${String(of).padStart(2, '0')}:00:00Z`);
const brief = (rows: readonly FeatureRow[]) =>
  rows.map(({ key, eventTime, revision, values }) => [
    ...key,
    formatTime(eventTime).slice(11, 13),
    revision,
    values[0],
  ]);

test('the winner has the greatest event time, then created time, then revision', async () => {
  await write('a.parquet', [
    [1, '2026-01-01', 1, 9, 10],
    [1, '2026-01-01', 2, 3, 20],
    [1, '2026-01-02', 2, 3, 30],
    [2, '2026-01-01', 5, 6, 40],
    [2, '2026-01-01', 5, 7, 41],
    [3, '2026-01-01', 5, 7, 50],
  ]);
  await write('b.parquet', [
    [1, '2026-01-01', 1, 23, 11],
    [2, '2026-01-01', 5, 6, 42],
    [3, '2026-01-01', 5, 7, 51],
  ]);
  const slices = [
    { path: 'a.parquet', revision: 0 },
    { path: 'b.parquet', revision: 1 },
  ];
  expect(brief(await latest({ slices }))).toEqual([
    [1n, '2026-01-01', '02', 0, 20n],
    [1n, '2026-01-02', '02', 0, 30n],
    [2n, '2026-01-01', '05', 0, 41n],
    [3n, '2026-01-01', '05', 1, 51n],
  ]);
  expect((await latest({ slices }))[0]).toEqual({
    key: [1n, '2026-01-01'],
    eventTime: hour(2),
    createdTime: hour(3),
    revision: 0,
    values: [20n, Float32Array.of(20, 0.5)],
  });
});

test('of a slice only rows count whose interval ends in (start, end]', async () => {
  const range = { start: hour(1), end: hour(2) };
  const slices = [{ path: 'a.parquet', revision: 3, range }];
  expect(brief(await latest({ slices }))).toEqual([
    [1n, '2026-01-01', '02', 3, 20n],
    [1n, '2026-01-02', '02', 3, 30n],
  ]);
});

test('many different slices are read like few', async () => {
  const slices = Array.from({ length: 24 }, (_, at) => ({
    path: at % 2 === 0 ? 'a.parquet' : 'b.parquet',
    revision: at % 2,
    range: { start: hour(Math.floor(at / 2)), end: hour(Math.floor(at / 2) + 1) },
  }));
  expect(brief(await latest({ slices }))).toEqual(
    brief(
      await latest({
        slices: [
          { path: 'a.parquet', revision: 0 },
          { path: 'b.parquet', revision: 1 },
        ],
      }),
    ),
  );
});

test('bounds on the event time are inclusive, and decide before the winner does', async () => {
  const slices = [{ path: 'a.parquet', revision: 0 }];
  expect(brief(await latest({ slices, notAfter: hour(1) }))).toEqual([[1n, '2026-01-01', '01', 0, 10n]]);
  expect((await latest({ slices, notBefore: hour(5) })).map(({ key }) => key[0])).toEqual([2n, 3n]);
});

test('rows come in batches, and a reader that stops early or is cancelled lets go', async () => {
  await writeParquet(
    engine,
    join(folder, 'big.parquet'),
    `SELECT range AS user_id, DATE '2026-01-01' AS day, TIMESTAMP '2026-01-05' AS __event_time, TIMESTAMP '2026-01-05' AS __created_time, TIMESTAMP '2026-01-05' AS __interval_end, range AS v, [1, 2]::FLOAT[2] AS e FROM range(50000)`,
  );
  const slices = [{ path: 'big.parquet', revision: 0 }];
  const sizes: number[] = [];
  for await (const batch of reader.latest({ view, slices })) sizes.push(batch.length);
  expect(sizes.reduce((a, b) => a + b)).toBe(50_000);
  expect(Math.max(...sizes)).toBeLessThanOrEqual(10_240);
  expect(sizes.length).toBeLessThan(12);
  for await (const batch of reader.latest({ view, slices })) {
    expect(batch.length).toBeGreaterThan(0);
    break;
  }
  const abort = new AbortController();
  const cancelled = async () => {
    for await (const _ of reader.latest({ view, slices, signal: abort.signal })) abort.abort();
  };
  await expect(cancelled()).rejects.toMatchObject({ code: 'CANCELLED' });
});

test('newest rows that are found in several passes are the same', async () => {
  const numbers = {
    ...view,
    joinKeys: [view.joinKeys[1], view.joinKeys[0]].filter((key) => key !== undefined),
  };
  const rows = (from: number) =>
    `SELECT (range * 7919) % 1000 - 500 AS user_id, DATE '2026-01-01' + ((range % 3)::INTEGER) AS day, TIMESTAMP '2026-01-05' + to_seconds(hash(range, ${from}) % 9) AS __event_time, TIMESTAMP '2026-01-06' AS __created_time, TIMESTAMP '2026-01-05' AS __interval_end, range + ${from} AS v, [1, 2]::FLOAT[2] AS e FROM range(3000)`;
  await writeParquet(engine, join(folder, 'pass-a.parquet'), rows(0));
  await writeParquet(engine, join(folder, 'pass-b.parquet'), rows(10_000));
  const slices = [
    { path: 'pass-a.parquet', revision: 0 },
    { path: 'pass-b.parquet', revision: 1 },
  ];
  const many = createDuckDbFeatureReader(engine, { offlineRoot: folder, passBytes: 10_000 });
  const read = async (from: FeatureReader, of: typeof view) => {
    const batches: FeatureRow[] = [];
    for await (const batch of from.latest({ view: of, slices })) batches.push(...batch);
    return batches;
  };
  const byKey = (found: readonly FeatureRow[]) =>
    found.toSorted((a, b) => String(a.key).localeCompare(String(b.key)));
  for (const of of [view, numbers]) {
    const expected = byKey(await read(reader, of));
    expect(expected).toHaveLength(3000);
    expect(byKey(await read(many, of))).toEqual(expected);
  }
});

test('of a view without keys there is one newest row, however large the files are', async () => {
  const slices = [
    { path: 'a.parquet', revision: 0 },
    { path: 'b.parquet', revision: 1 },
  ];
  const global = { ...view, joinKeys: [] };
  const passes = createDuckDbFeatureReader(engine, { offlineRoot: folder, passBytes: 1 });
  for (const from of [reader, passes]) {
    const rows: FeatureRow[] = [];
    for await (const batch of from.latest({ view: global, slices })) rows.push(...batch);
    expect(brief(rows)).toEqual([['05', 1, 51n]]);
  }
});

test('no slices give no rows, and a missing file says so', async () => {
  expect(await latest({ slices: [] })).toEqual([]);
  await expect(latest({ slices: [{ path: 'gone.parquet', revision: 0 }] })).rejects.toMatchObject({
    code: 'STORE_CORRUPT',
    message: expect.stringContaining('gone.parquet'),
  });
});
