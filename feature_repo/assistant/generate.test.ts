import { createHash } from 'node:crypto';
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { DuckDBInstance } from '@duckdb/node-api';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { timeOf } from '../../src/core/time.ts';
import { type Generated, generateEvents } from './generate.ts';

const UNTIL = timeOf('2026-03-02T00:00:00Z');
const SMALL = { seed: 11, users: 120, days: 21, until: UNTIL };

const instance = await DuckDBInstance.create(':memory:', { threads: '1' });
const connection = await instance.connect();
let root: string;
let generated: Generated;

async function rows(sql: string): Promise<readonly Record<string, unknown>[]> {
  return (await connection.runAndReadAll(sql)).getRowObjectsJson();
}

async function digests({ files }: Generated): Promise<readonly string[]> {
  const hash = (bytes: Buffer): string => createHash('sha256').update(bytes).digest('hex');
  return Promise.all(files.map(async (file) => `${basename(file)} ${hash(await readFile(file))}`));
}

beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'tidemark-generate-'));
  generated = await generateEvents({ ...SMALL, outDir: join(root, 'small') });
  await connection.run(`CREATE VIEW events AS FROM read_parquet('${root}/small/events/*.parquet')`);
});

afterAll(async () => {
  connection.closeSync();
  instance.closeSync();
  await rm(root, { recursive: true, force: true });
});

describe('generateEvents', () => {
  it('writes the promised columns and as many rows as it says', async () => {
    const columns = await rows('DESCRIBE events');
    expect(columns.map((column) => `${column.column_name} ${column.column_type}`)).toEqual([
      'event_id VARCHAR',
      'user_id BIGINT',
      'session_id VARCHAR',
      'event_timestamp TIMESTAMP',
      'created_at TIMESTAMP',
      'event_type VARCHAR',
      'duration_sec DOUBLE',
      'model VARCHAR',
      'tool VARCHAR',
      'tokens BIGINT',
    ]);
    expect(await rows('SELECT count(*)::INT AS n, count(DISTINCT event_id)::INT AS ids FROM events')).toEqual(
      [{ n: generated.events, ids: generated.events }],
    );
    expect(generated.events).toBeGreaterThan(5_000);
  });

  it('gives the same bytes for the same seed', async () => {
    const again = await generateEvents({ ...SMALL, outDir: join(root, 'again') });
    expect(await digests(again)).toEqual(await digests(generated));
  });

  it('gives other events for another seed', async () => {
    const other = await generateEvents({ ...SMALL, seed: 12, outDir: join(root, 'other') });
    expect(await digests(other)).not.toEqual(await digests(generated));
  });

  it('only adds rows when the end moves on', async () => {
    const later = timeOf('2026-03-03T00:00:00Z');
    await generateEvents({ ...SMALL, days: 22, until: later, outDir: join(root, 'later') });
    const lost = await rows(
      `SELECT count(*)::INT AS n FROM (FROM events EXCEPT ALL FROM read_parquet('${root}/later/events/*.parquet'))`,
    );
    expect(lost).toEqual([{ n: 0 }]);
  });

  it('replaces what an earlier call left', async () => {
    const outDir = join(root, 'replaced');
    await generateEvents({ ...SMALL, outDir });
    const last = await generateEvents({ ...SMALL, days: 1, outDir });
    expect(last.files.map((file) => basename(file))).toEqual(['2026-03.parquet']);
    expect(await readdir(join(outDir, 'events'))).toEqual(['2026-03.parquet']);
  });

  it('holds only events of the period that were written before its end', async () => {
    expect(
      await rows(`SELECT min(event_timestamp) >= TIMESTAMP '2026-02-09' AS starts,
        max(created_at) < TIMESTAMP '2026-03-02' AS ends, bool_and(created_at >= event_timestamp) AS ordered,
        max(created_at - event_timestamp) < INTERVAL 2 MINUTE AS prompt FROM events`),
    ).toEqual([{ starts: true, ends: true, ordered: true, prompt: true }]);
  });

  it('lets a session start once, end at most once, and last as long as it says', async () => {
    expect(
      await rows(`SELECT count(*)::INT AS wrong FROM (
          SELECT count(*) FILTER (event_type = 'session_start') AS starts,
            count(*) FILTER (event_type = 'session_end') AS ends, count(DISTINCT user_id) AS users,
            min(event_timestamp) FILTER (event_type = 'session_start') AS started, min(event_timestamp) AS first,
            max(event_timestamp) FILTER (event_type = 'session_end') AS ended, max(event_timestamp) AS last,
            max(duration_sec) AS duration
          FROM events GROUP BY session_id HAVING min(event_timestamp) > TIMESTAMP '2026-02-09 06:00:00')
        WHERE starts <> 1 OR ends > 1 OR users <> 1 OR started <> first
          OR (ends = 1 AND (ended <> last OR abs(epoch(ended - started) - duration) > 0.002))`),
    ).toEqual([{ wrong: 0 }]);
  });

  it('fills each column for the types of event that have it alone', async () => {
    expect(
      await rows(`SELECT event_type, count(duration_sec) = count(*) AS durations, count(duration_sec) = 0 AS no_durations,
        count(tool) = count(*) AS tools, count(tool) = 0 AS no_tools, min(tokens) > 0 AS tokens FROM events
        GROUP BY event_type ORDER BY event_type`),
    ).toEqual([
      {
        event_type: 'message',
        durations: false,
        no_durations: true,
        tools: false,
        no_tools: true,
        tokens: true,
      },
      {
        event_type: 'session_end',
        durations: true,
        no_durations: false,
        tools: false,
        no_tools: true,
        tokens: false,
      },
      {
        event_type: 'session_start',
        durations: false,
        no_durations: true,
        tools: false,
        no_tools: true,
        tokens: false,
      },
      {
        event_type: 'tool_use',
        durations: false,
        no_durations: true,
        tools: true,
        no_tools: false,
        tokens: true,
      },
    ]);
  });

  it('has few very active users, a quiet night and a quiet weekend', async () => {
    const [shape] = await rows(`WITH users AS (SELECT count(*) AS n FROM events GROUP BY user_id)
      SELECT (SELECT max(n) > 4 * median(n) FROM users) AS heavy,
        count(*) FILTER (hour(event_timestamp) BETWEEN 13 AND 17)
          > 2 * count(*) FILTER (hour(event_timestamp) BETWEEN 2 AND 6) AS daily,
        count(*) FILTER (isodow(event_timestamp) < 6) / 5 > 1.3 * count(*) FILTER (isodow(event_timestamp) > 5) / 2 AS weekly
      FROM events`);
    expect(shape).toEqual({ heavy: true, daily: true, weekly: true });
  });

  it('refuses a number of users that is not whole', async () => {
    await expect(generateEvents({ ...SMALL, users: 1.5, outDir: root })).rejects.toThrow(
      'Cannot generate events with users 1.5: a whole number of at least 1 is needed.',
    );
  });
});
