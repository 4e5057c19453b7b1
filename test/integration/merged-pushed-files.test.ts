import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { beforeEach, expect, test } from 'vitest';
import { durationOf, micros, timeOf } from '../../src/core/time.ts';
import { scanPushed } from '../../src/offline/duckdb/sources/pushed-source.ts';
import type { PushedFile } from '../../src/push/pushed-files.ts';
import { type MergeLimits, mergeFiles } from '../../src/push/segments/merge-files.ts';
import type { SegmentPushLog } from '../../src/push/segments/segment-push-log.ts';
import { testEngine } from '../support/feature-repo.ts';
import { type PushWorld, pushedRow, pushSourceSpec, pushWorld } from '../support/push-world.ts';

const AT = timeOf('2026-03-01T10:20:30Z');
const CLICKS = pushSourceSpec({ user: 'int32', page: 'string' });
const NARROW = pushSourceSpec({ user: 'int32' });
const OF = { project: 'shop', source: 'clicks' };
const LIMITS: MergeLimits = { files: 4, smallBytes: 1024 ** 2, keep: durationOf('1h') };

let world: PushWorld;
let log: SegmentPushLog;

beforeEach(async () => {
  world = await pushWorld();
  log = await world.open({ source: CLICKS });
});

/** One file, of rows an hour apart. */
async function receive(log: SegmentPushLog, ...users: readonly number[]): Promise<void> {
  const rows = users.map((user) =>
    pushedRow(micros(AT + BigInt(user) * 3_600_000_000n), { user, page: `page ${user}` }),
  );
  await log.append({ ...OF, receivedAt: micros(AT + BigInt(users.length)), rows });
  await log.seal();
}

async function readAll(range = {}): Promise<readonly unknown[]> {
  const { withConnection } = await testEngine();
  return withConnection(async (connection) => {
    const { relation } = await scanPushed(connection, CLICKS, world.find, range);
    return (await connection.runAndReadAll(`SELECT * FROM ${relation} ORDER BY ALL`)).getRowsJson();
  });
}

const isThere = ({ path }: PushedFile) => existsSync(join(world.offlineRoot, path));

test('small files become one with the same rows, found by the same times', async () => {
  const narrow = await world.open({ source: NARROW });
  await receive(narrow, 1);
  for (const user of [2, 3, 3]) await receive(log, user);
  const before = await readAll();
  await mergeFiles(OF, world, LIMITS);
  const [merged, ...others] = await world.files.files(OF);
  expect(others).toEqual([]);
  expect(merged).toMatchObject({ rows: 3, path: expect.stringContaining('/merged-') });
  expect(merged?.eventTimes).toHaveLength(3);
  expect(await readAll()).toEqual(before);
  expect(before).toHaveLength(3);
  expect(await world.files.files(OF, { from: micros(AT + 4n * 3_600_000_000n) })).toEqual([]);
});

test('few files, and large ones, stay as they are', async () => {
  for (const user of [1, 2, 3]) await receive(log, user);
  const before = await world.files.files(OF);
  await mergeFiles(OF, world, LIMITS);
  await receive(log, 4);
  await mergeFiles(OF, world, { ...LIMITS, smallBytes: 10 });
  expect((await world.files.files(OF)).slice(0, 3)).toEqual(before);
});

test('no more than makes a file that is not small is merged at once', async () => {
  for (const user of [1, 2, 3, 4, 5, 6, 7, 8]) await receive(log, user);
  const before = await readAll();
  const [{ bytes = 0 } = {}] = await world.files.files(OF);
  await mergeFiles(OF, world, { ...LIMITS, smallBytes: bytes * 2.5 });
  const rows = (await world.files.files(OF)).map((file) => file.rows);
  expect(rows.toSorted()).toEqual([1, 1, 3, 3]);
  expect(await readAll()).toEqual(before);
});

test('a file that was merged is removed when nobody can still be reading it', async () => {
  for (const user of [1, 2, 3, 4]) await receive(log, user);
  const before = await world.files.files(OF);
  await mergeFiles(OF, world, LIMITS);
  expect(before.map(isThere)).toEqual([true, true, true, true]);
  await mergeFiles(OF, world, { ...LIMITS, keep: durationOf('0s') });
  expect(before.map(isThere)).toEqual([false, false, false, false]);
  expect(await world.files.replaced(OF, durationOf('0s'))).toEqual([]);
  expect(await readAll()).toHaveLength(4);
});

test('two processes that merge at once leave one file of each row', async () => {
  for (const user of [1, 2, 3, 4, 5]) await receive(log, user);
  // The second has not found the last file yet.
  const late = {
    ...world.files,
    files: async (...asked: Parameters<typeof world.files.files>) =>
      (await world.files.files(...asked)).slice(0, 4),
  };
  await Promise.all([
    mergeFiles(OF, world, LIMITS),
    mergeFiles(OF, { ...world, files: late }, LIMITS),
    mergeFiles(OF, world, LIMITS),
  ]);
  const files = await world.files.files(OF);
  expect(files.reduce((sum, { rows }) => sum + rows, 0)).toBe(5);
  expect(files.map(isThere)).not.toContain(false);
  expect(await readAll()).toHaveLength(5);
});

test('a log merges by itself what it has sealed', async () => {
  for (let user = 0; user < 64; user++) await receive(log, user % 8);
  const files = await world.files.files(OF);
  expect(files).toHaveLength(1);
  expect(await readAll()).toHaveLength(8);
});
