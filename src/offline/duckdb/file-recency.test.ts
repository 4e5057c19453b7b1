import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { JoinKey } from '../../core/entity.ts';
import { createDuckDb, type DuckDbEngine } from './engine.ts';
import { noteRecency, readRecency } from './file-recency.ts';

let folder: string;
let db: DuckDbEngine;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'tidemark-recency-'));
  db = await createDuckDb({ memory: '500MB', threads: 2, tempDir: join(folder, 'spill') });
});
afterAll(async () => {
  await db.close();
  await rm(folder, { recursive: true, force: true });
});

const USER: readonly JoinKey[] = [{ name: 'user', type: 'int64' }];
const PAIR: readonly JoinKey[] = [...USER, { name: 'shop', type: 'string' }];

/** Of rows of SQL; `event` and `late` are microseconds. */
async function told(rows: string, keys = USER, below = '.') {
  const path = `${below}/${crypto.randomUUID()}.parquet`;
  const times = 'make_timestamp(event) AS __event_time, make_timestamp(event + late) AS __created_time';
  const order = ['__event_time', ...keys.map(({ name }) => `"${name}"`)].join(', ');
  return db.withConnection(async (connection) => {
    await connection.run(
      `COPY (SELECT * EXCLUDE (event, late), ${times} FROM (${rows}) ORDER BY ${order}) ` +
        `TO '${join(folder, path)}' (FORMAT parquet, ROW_GROUP_SIZE 2048)`,
    );
    await noteRecency(connection, join(folder, path), keys);
    return (await readRecency(connection, [path], folder)).get(path);
  });
}

describe('a feature file tells', () => {
  test('that its rows are distinct, how late they are, and in what units', async () => {
    expect(
      await told(
        'SELECT i % 10 AS "user", (i // 10) * 60000000 AS event, i % 3 * 1000000 AS late FROM range(100) t(i)',
      ),
    ).toEqual({
      distinct: true,
      lag: { least: 0n, most: 2_000_000n },
      eventUnit: 1_000_000n,
      lagUnit: 1_000_000n,
    });
  });

  test('times that are no whole seconds, and rows that were known before their time', async () => {
    expect(await told('SELECT i AS "user", i * 1000001 AS event, -7 - i AS late FROM range(3) t(i)')).toEqual(
      {
        distinct: true,
        lag: { least: -9n, most: -7n },
        eventUnit: 1n,
        lagUnit: 1n,
      },
    );
  });

  test.each([
    ['within a row group', 99_999],
    ['on both sides of where a row group ends', 2047],
  ])('that two rows of one key and time stand %s', async (_, first) => {
    const rows = (user: string) =>
      `SELECT ${user} AS "user", CASE WHEN i = ${first + 1} THEN ${first} ELSE i END AS event, 0 AS late FROM range(100001) t(i)`;
    expect((await told(rows('1')))?.distinct).toBe(false);
    expect((await told(rows('i')))?.distinct).toBe(true);
  });

  test('of composite keys that they tie only in all of their parts, null being one value', async () => {
    const of = (shops: string) =>
      told(`SELECT 1 AS "user", unnest([${shops}])::VARCHAR AS shop, 5 AS event, 0 AS late`, PAIR);
    expect((await of("'a', 'b', NULL"))?.distinct).toBe(true);
    expect((await of("'a', NULL, 'a'"))?.distinct).toBe(false);
    expect((await of("NULL, 'a', NULL"))?.distinct).toBe(false);
  });

  test('what is true of its own columns, whatever the folder is called that it lies in', async () => {
    await mkdir(join(folder, 'user=1'));
    const rows = 'SELECT i AS "user", 5 AS event, 0 AS late FROM range(2) t(i)';
    expect((await told(rows, USER, 'user=1'))?.distinct).toBe(true);
  });

  test('of a view without keys that its times are distinct', async () => {
    expect((await told('SELECT i AS event, 0 AS late FROM range(5) t(i)', []))?.distinct).toBe(true);
    expect((await told('SELECT i // 2 AS event, 0 AS late FROM range(5) t(i)', []))?.distinct).toBe(false);
  });
});

test('a file without a note, or with one of another version, tells nothing', async () => {
  await db.withConnection(async (connection) => {
    const notes = { none: '', other: ", KV_METADATA {'tidemark.recency': 'distinct events by 1 day'}" };
    for (const [name, option] of Object.entries(notes)) {
      await connection.run(
        `COPY (SELECT 1 AS n) TO '${join(folder, `${name}.parquet`)}' (FORMAT parquet${option})`,
      );
    }
    expect(await readRecency(connection, ['none.parquet', 'other.parquet'], folder)).toEqual(new Map());
  });
});
