import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { BatchViewSpec } from '../../src/core/feature-view.ts';
import type { Interval } from '../../src/core/interval.ts';
import type { FeatureRow, Withdrawal } from '../../src/core/rows.ts';
import { formatTime, timeOf } from '../../src/core/time.ts';
import { createDuckDbFeatureComputer } from '../../src/offline/duckdb/compute/duckdb-feature-computer.ts';
import { createDuckDb, type DuckDbEngine } from '../../src/offline/duckdb/engine.ts';
import { createDuckDbFeatureReader } from '../../src/offline/duckdb/newest/duckdb-feature-reader.ts';
import type { FeatureComputer } from '../../src/offline/feature-computer.ts';
import type { FeatureReader } from '../../src/offline/feature-reader.ts';
import { batchView, fileSource, writeParquet } from '../support/offline-case.ts';

let folder: string;
let engine: DuckDbEngine;
let computer: FeatureComputer;
let reader: FeatureReader;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'tidemark-validity-'));
  engine = await createDuckDb({ memory: '300MB', threads: 2, tempDir: join(folder, 'spill') });
  computer = createDuckDbFeatureComputer(engine, { baseDir: folder, offlineRoot: folder });
  reader = createDuckDbFeatureReader(engine, { offlineRoot: folder });
});
afterAll(async () => {
  await engine.close();
  await rm(folder, { recursive: true, force: true });
});

const day = (of: number): Interval => ({
  start: timeOf(`2026-01-0${of}`),
  end: timeOf(`2026-01-0${of + 1}`),
});
let cases = 0;

/** A view of rows (user, since, until, plan, in SQL) in a source of its own. */
async function viewOf(values: string): Promise<BatchViewSpec> {
  const path = `plans${cases++}.parquet`;
  await writeParquet(
    engine,
    join(folder, path),
    `SELECT * FROM (VALUES ${values}) t(user_id, since, until, plan)`,
  );
  const source = fileSource({ path, timestampField: 'since', validTo: 'until' });
  const plan = [['plan', 'string']] as const;
  return batchView(source, { kind: 'passthrough' }, plan, { validTo: 'until', schedule: '0 0 * * *' });
}

async function computed(view: BatchViewSpec, of = 5) {
  const path = `out${cases++}.parquet`;
  await computer.compute({ view, range: day(of), path });
  return { path, revision: 0, range: day(of) };
}

async function latest(view: BatchViewSpec, ...slices: Awaited<ReturnType<typeof computed>>[]) {
  const rows: FeatureRow[] = [];
  for await (const batch of reader.latest({ view, slices })) rows.push(...batch);
  return rows
    .toSorted((a, b) => Number(a.key[0]) - Number(b.key[0]))
    .map(({ key, values, validTo }) => [
      key[0],
      values[0],
      validTo === undefined ? 'lost' : validTo && formatTime(validTo),
    ]);
}

test('ends keep microseconds, zones are normalised, days end at midnight, infinity is no end', async () => {
  const zoned = await viewOf(
    `(1, TIMESTAMPTZ '2026-01-05 01:00:00Z', TIMESTAMPTZ '2026-01-06 02:00:00.000001+02', 'a'),
     (2, TIMESTAMPTZ '2026-01-05 01:00:00Z', NULL, 'b'),
     (3, TIMESTAMPTZ '2026-01-05 01:00:00Z', TIMESTAMPTZ 'infinity', 'c'),
     (4, TIMESTAMPTZ '2026-01-05 01:00:00Z', TIMESTAMPTZ '9999-12-31 23:59:59.999999Z', 'd')`,
  );
  expect(await latest(zoned, await computed(zoned))).toEqual([
    [1n, 'a', '2026-01-06T00:00:00.000001Z'],
    [2n, 'b', null],
    [3n, 'c', null],
    [4n, 'd', '9999-12-31T23:59:59.999999Z'],
  ]);
  const days = await viewOf(`(1, DATE '2026-01-05', DATE '2026-01-06', 'a')`);
  expect(await latest(days, await computed(days))).toEqual([[1n, 'a', '2026-01-06T00:00:00Z']]);
});

test('of a row that stands there open and closed, the closed one counts', async () => {
  const at = `TIMESTAMP '2026-01-05 01:00:00'`;
  const view = await viewOf(
    `(1, ${at}, NULL, 'z'), (1, ${at}, TIMESTAMP '2026-01-07', 'b'), (1, ${at}, TIMESTAMP '2026-01-07', 'c'), (1, ${at}, TIMESTAMP '2026-01-08', 'd')`,
  );
  expect(await latest(view, await computed(view))).toEqual([[1n, 'c', '2026-01-07T00:00:00Z']]);
});

test('the newest row of an entity is the one that began last, whichever ends later', async () => {
  const view = await viewOf(
    `(1, TIMESTAMP '2026-01-05 01:00:00', NULL, 'a'), (1, TIMESTAMP '2026-01-06 01:00:00', TIMESTAMP '2026-01-06 02:00:00', 'b')`,
  );
  const slices = [await computed(view, 5), await computed(view, 6)];
  expect(await latest(view, ...slices)).toEqual([[1n, 'b', '2026-01-06T02:00:00Z']]);
});

test('a row that is taken back gives way to the one before it, with its end', async () => {
  const view = await viewOf(
    `(1, TIMESTAMP '2026-01-05 01:00:00', TIMESTAMP '2026-01-05 09:00:00', 'a'), (1, TIMESTAMP '2026-01-06 01:00:00', NULL, 'b'), (2, TIMESTAMP '2026-01-06 01:00:00', NULL, 'c')`,
  );
  const [beside, before] = [await computed(view, 5), await computed(view, 6)];
  const found: Withdrawal[] = [];
  for await (const batch of reader.withdrawn({ view, before: [before], after: [], beside: [beside] })) {
    found.push(...batch);
  }
  expect(found.toSorted((a, b) => Number(a.key[0]) - Number(b.key[0]))).toMatchObject([
    { key: [1n], instead: { values: ['a'], validTo: timeOf('2026-01-05T09:00:00Z') } },
    { key: [2n], instead: undefined },
  ]);
});

test('a closing changes the input, and so the effect, of the interval in which the row began, and of no other', async () => {
  const rows = (until: string) =>
    `(1, TIMESTAMP '2026-01-05 01:00:00', ${until}, 'a'), (1, TIMESTAMP '2026-01-06 01:00:00', NULL, 'b')`;
  const open = await viewOf(rows('NULL::TIMESTAMP'));
  const closed = await viewOf(rows(`TIMESTAMP '2026-01-05 09:00:00'`));
  const digests = (of: number) =>
    Promise.all([open, closed].map((view) => computer.inputDigest(view, day(of))));
  const [before, after] = await digests(5);
  expect(after).not.toBe(before);
  const [same, still] = await digests(6);
  expect(still).toBe(same);
});

test.each([
  [`TIMESTAMP '2026-01-05 01:00:00'`, 'as it begins'],
  [`TIMESTAMP '2026-01-05 00:59:59.999999'`, 'before it begins'],
  [`TIMESTAMP '-infinity'`, 'before all time'],
])('a row that ends at %s, %s, is refused, unless it is nobody’s or of another time', async (until) => {
  const rows = (user: string, began: string) => `(${user}, TIMESTAMP '${began}', ${until}, 'a')`;
  const wrong = await viewOf(rows('1', '2026-01-05 01:00:00'));
  await expect(computed(wrong)).rejects.toMatchObject({
    code: 'SOURCE_SCHEMA_MISMATCH',
    message: expect.stringContaining(
      'a row of its source is never true, the first with "since" 2026-01-05T01:00:00Z: "until" is not later',
    ),
  });
  const nobodys = await viewOf(`${rows('NULL', '2026-01-05 01:00:00')}, ${rows('1', '2026-01-06 01:00:00')}`);
  await computed(nobodys, 5);
});

test('the same rows give the same bytes, and a profile counts them all, true or not', async () => {
  const view = await viewOf(
    `(1, TIMESTAMP '2026-01-05 01:00:00', TIMESTAMP '2026-01-05 02:00:00', NULL), (2, TIMESTAMP '2026-01-05 01:00:00', NULL, 'b')`,
  );
  const files = await Promise.all(
    ['one', 'other'].map((path) => computer.compute({ view, range: day(5), path: `${path}.parquet` })),
  );
  expect(files[0]?.digest).toBe(files[1]?.digest);
  expect(await computer.profile(view, [{ path: 'one.parquet' }])).toMatchObject({
    rows: 2,
    entities: 2,
    features: [{ feature: 'plan', nulls: 1 }],
  });
});
