import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { copyFile, cp, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { DuckDBInstance } from '@duckdb/node-api';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { addDuration, durationOf, type Micros, timeOf } from '../../src/core/time.ts';
import { feedReplay, prepareReplay, readReplay } from './replay.ts';

const NOW = timeOf('2026-05-13T14:20:30Z');
const SHIFT_WEEKS = 658;
const FEEDS = ['flights', 'weather', 'schedule'] as const;

const instance = await DuckDBInstance.create(':memory:', { threads: '2' });
const connection = await instance.connect();
let root: string;
let prepared: string;

beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'tidemark-replay-'));
  prepared = join(root, 'prepared');
  await prepareReplay({ liveDir: prepared, now: NOW });
});

afterAll(async () => {
  connection.closeSync();
  instance.closeSync();
  await rm(root, { recursive: true, force: true });
});

async function rows(sql: string): Promise<readonly Record<string, unknown>[]> {
  return (await connection.runAndReadAll(sql)).getRowObjectsJson();
}

const later = (duration: string, time: Micros = NOW): Micros => addDuration(time, durationOf(duration));
const all = (liveDir: string, feed: string): string => `read_parquet('${liveDir}/${feed}/*.parquet')`;

/** Rows of one folder that the other has not, as often as they stand there, in both directions. */
async function differences(a: string, b: string): Promise<Record<string, unknown>> {
  const counts: Record<string, unknown> = {};
  for (const feed of FEEDS) {
    const [left, right] = [all(a, feed), all(b, feed)];
    const [found] = await rows(`SELECT (SELECT count(*) FROM (FROM ${left} EXCEPT ALL FROM ${right}))::INT
      + (SELECT count(*) FROM (FROM ${right} EXCEPT ALL FROM ${left}))::INT AS n`);
    counts[feed] = found?.n;
  }
  return counts;
}

const NONE = { flights: 0, weather: 0, schedule: 0 };

describe('prepareReplay', () => {
  it('moves the data by whole weeks so that now falls into the first week of October', () => {
    const replay = readReplay(prepared);
    expect(replay).toEqual({ shiftWeeks: SHIFT_WEEKS, start: '2025-08-12T00:00:00Z' });
    const inData = NOW - BigInt(SHIFT_WEEKS) * durationOf('1w');
    expect(inData >= timeOf('2013-10-01T00:00:00Z') && inData < timeOf('2013-10-08T00:00:00Z')).toBe(true);
  });

  it('withholds what is not known yet and nothing else', async () => {
    for (const feed of ['flights', 'weather']) {
      const [found] = await rows(`SELECT max(created_at) < TIMESTAMP '2026-05-13 14:20:30' AS withheld,
        bool_and(created_at >= event_timestamp AND created_at < event_timestamp + INTERVAL 4 MINUTE) AS prompt,
        max(created_at) > TIMESTAMP '2026-05-13 13:00:00' AS complete, count(*)::INT AS n FROM ${all(prepared, feed)}`);
      expect(found).toMatchObject({ withheld: true, prompt: true, complete: true });
      const source = join(import.meta.dirname, 'data', `${feed}.parquet`);
      const [expected] = await rows(`SELECT
        count(*) FILTER (event_timestamp + INTERVAL ${SHIFT_WEEKS * 7} DAY < TIMESTAMP '2026-05-13 14:16:30')::INT AS least,
        count(*) FILTER (event_timestamp + INTERVAL ${SHIFT_WEEKS * 7} DAY < TIMESTAMP '2026-05-13 14:20:30')::INT AS most
        FROM '${source}'`);
      expect(found?.n).toBeGreaterThanOrEqual(Number(expected?.least));
      expect(found?.n).toBeLessThanOrEqual(Number(expected?.most));
    }
  });

  it('keeps days of the week, times and delays of every flight', async () => {
    const source = join(import.meta.dirname, 'data', 'flights.parquet');
    const [found] = await rows(`SELECT count(*)::INT AS wrong FROM ${all(prepared, 'flights')} live
      JOIN '${source}' past USING (flight_id)
      WHERE dayofweek(live.scheduled_departure) <> dayofweek(past.scheduled_departure)
        OR live.event_timestamp - past.event_timestamp <> INTERVAL ${SHIFT_WEEKS * 7} DAY
        OR live.departed_at - live.scheduled_departure IS DISTINCT FROM past.departed_at - past.scheduled_departure
        OR live.dep_delay IS DISTINCT FROM past.dep_delay`);
    expect(found).toEqual({ wrong: 0 });
  });

  it('stamps the tables that do not change with the start', async () => {
    for (const table of ['planes', 'airports', 'airlines']) {
      expect(
        await rows(`SELECT DISTINCT event_timestamp::VARCHAR AS t FROM '${prepared}/${table}.parquet'`),
      ).toEqual([{ t: '2025-08-12 00:00:00' }]);
    }
  });

  it('keeps its shift when it is called again in a later week', async () => {
    const liveDir = join(root, 'later-week');
    await cp(prepared, liveDir, { recursive: true });
    const again = await prepareReplay({ liveDir, now: later('9d') });
    expect(again).toMatchObject({ shiftWeeks: SHIFT_WEEKS, fed: { kind: 'fed', until: later('9d') } });
  });

  it('carries on rightly after kill -9 in the middle', async () => {
    const liveDir = join(root, 'killed');
    const script = `import { prepareReplay } from ${JSON.stringify(join(import.meta.dirname, 'replay.ts'))};
      await prepareReplay({ liveDir: ${JSON.stringify(liveDir)}, now: ${NOW}n });`;
    for (const files of [1, 4]) {
      const child = spawn(process.execPath, ['--input-type=module', '-e', script], { stdio: 'ignore' });
      const exited = once(child, 'exit');
      const flights = join(liveDir, 'flights');
      while (child.exitCode === null && (!existsSync(flights) || (await readdir(flights)).length < files)) {
        await delay(1);
      }
      child.kill('SIGKILL');
      const [, signal] = await exited;
      if (files === 1) expect(signal).toBe('SIGKILL');
    }
    await prepareReplay({ liveDir, now: NOW });
    expect(await differences(liveDir, prepared)).toEqual(NONE);
  });

  it('refuses a clock that stands before the data', async () => {
    const early = prepareReplay({ liveDir: join(root, 'early'), now: timeOf('2013-05-01T00:00:00Z') });
    await expect(early).rejects.toThrow('Cannot replay at 2013-05-01T00:00:00Z');
  });
});

describe('the schedule', () => {
  it('shows each flight once, up to a day ahead, with the prediction two hours before departure', async () => {
    expect(
      await rows(`SELECT count(*) = count(DISTINCT flight_id) AS once,
        max(scheduled_departure) < TIMESTAMP '2026-05-14 14:20:30' AS within,
        max(scheduled_departure) > TIMESTAMP '2026-05-14 13:20:30' AS ahead,
        bool_and(scheduled_departure - predict_at = INTERVAL 2 HOUR) AS early FROM ${all(prepared, 'schedule')}`),
    ).toEqual([{ once: true, within: true, ahead: true, early: true }]);
  });

  it('has labels for exactly the flights whose outcome is known', async () => {
    expect(
      await rows(`SELECT count(*)::INT AS wrong FROM ${all(prepared, 'schedule')} s
        FULL JOIN ${all(prepared, 'flights')} f USING (flight_id)
        WHERE s.dep_delay IS DISTINCT FROM f.dep_delay OR s.cancelled IS DISTINCT FROM f.cancelled`),
    ).toEqual([{ wrong: 0 }]);
  });
});

describe('feedReplay', () => {
  it('leads in small steps to the rows that one step gives, across the end of a month', async () => {
    const [stepped, direct] = [join(root, 'stepped'), join(root, 'direct')];
    const evening = timeOf('2026-05-31T20:00:00Z');
    let added = (await prepareReplay({ liveDir: stepped, now: evening })).fed.flights;
    for (const step of ['2h', '3h59m', '4h1m', '4h2m', '7h', '30h']) {
      const fed = await feedReplay({ liveDir: stepped, now: later(step, evening) });
      added += fed.flights;
    }
    await copyState(stepped, direct);
    await prepareReplay({ liveDir: direct, now: later('30h', evening) });
    const [counted] = await rows(`SELECT count(*)::INT AS n FROM ${all(stepped, 'flights')}`);
    expect(counted).toEqual({ n: added });
    expect(await differences(stepped, direct)).toEqual(NONE);
  });

  it('adds one small file of flights, and none when it is repeated', async () => {
    const liveDir = join(root, 'repeated');
    await cp(prepared, liveDir, { recursive: true });
    const before = await readdir(join(liveDir, 'flights'));
    const fed = await feedReplay({ liveDir, now: later('10m') });
    expect(fed).toMatchObject({ kind: 'fed', until: later('10m') });
    expect(fed.flights).toBeGreaterThan(0);
    const files = await readdir(join(liveDir, 'flights'));
    expect(files.filter((file) => !before.includes(file))).toEqual([
      '20260513T142030Z-20260513T143030Z.parquet',
    ]);
    expect(await feedReplay({ liveDir, now: later('10m') })).toMatchObject({ flights: 0, weather: 0 });
    expect(await feedReplay({ liveDir, now: NOW })).toMatchObject({ flights: 0, until: later('10m') });
    expect(await readdir(join(liveDir, 'flights'))).toEqual(files);
  });

  it('adds nothing twice after a crash between its files and its state', async () => {
    const [liveDir, saved] = [join(root, 'crashed'), join(root, 'saved.json')];
    await cp(prepared, liveDir, { recursive: true });
    await copyFile(join(liveDir, 'replay.json'), saved);
    await feedReplay({ liveDir, now: later('1h') });
    await copyFile(saved, join(liveDir, 'replay.json'));
    await writeFile(join(liveDir, 'flights', 'left-by-a-crash.parquet.tmp'), 'not Parquet');
    await feedReplay({ liveDir, now: later('2h') });
    const once = join(root, 'uncrashed');
    await cp(prepared, once, { recursive: true });
    await feedReplay({ liveDir: once, now: later('2h') });
    expect(await differences(liveDir, once)).toEqual(NONE);
  });

  it('lets one of two feeds at once win, and tells the other', async () => {
    const liveDir = join(root, 'together');
    await cp(prepared, liveDir, { recursive: true });
    const outcomes = await Promise.allSettled(
      ['5m', '6m'].map((step) => feedReplay({ liveDir, now: later(step) })),
    );
    expect(outcomes.map((outcome) => outcome.status)).toEqual(['fulfilled', 'rejected']);
    expect(outcomes[1]).toMatchObject({ reason: { code: 'APPLY_CONFLICT' } });
    await writeFile(join(liveDir, 'feeding.lock'), String(process.ppid));
    await expect(feedReplay({ liveDir, now: later('7m') })).rejects.toThrow(
      `process ${process.ppid} is feeding it`,
    );
    await writeFile(join(liveDir, 'feeding.lock'), '999999999');
    expect(await feedReplay({ liveDir, now: later('7m') })).toMatchObject({
      kind: 'fed',
      until: later('7m'),
    });
  });

  it('feeds to the end of the data and then says how to start anew', async () => {
    const liveDir = join(root, 'ended');
    await cp(prepared, liveDir, { recursive: true });
    const fed = await feedReplay({ liveDir, now: later('200d') });
    expect(fed).toMatchObject({
      kind: 'ended',
      until: timeOf('2026-08-13T00:00:00Z'),
      message: expect.stringContaining('Delete the folder to start it anew.'),
    });
    expect(await rows(`SELECT count(*)::INT AS n FROM ${all(liveDir, 'flights')}`)).toEqual([{ n: 336_776 }]);
    expect(await rows(`SELECT count(*)::INT AS n FROM ${all(liveDir, 'weather')}`)).toEqual([{ n: 26_115 }]);
    expect(
      await rows(
        `SELECT count(*)::INT AS n, count(cancelled)::INT AS labelled FROM ${all(liveDir, 'schedule')}`,
      ),
    ).toEqual([{ n: 336_776, labelled: 336_776 }]);
    expect(await feedReplay({ liveDir, now: later('201d') })).toMatchObject({
      kind: 'ended',
      flights: 0,
      weather: 0,
    });
  });

  it('refuses a folder in which no replay was prepared', async () => {
    await expect(feedReplay({ liveDir: join(root, 'nothing'), now: NOW })).rejects.toMatchObject({
      code: 'REQUEST_INVALID',
    });
  });
});

describe('readReplay', () => {
  it('gives the data as it is where no replay was prepared', () => {
    expect(readReplay(join(root, 'nothing'))).toEqual({ shiftWeeks: 0, start: '2013-01-01T00:00:00Z' });
  });

  it('says what is wrong with a damaged state and how to start anew', async () => {
    const liveDir = await mkdtemp(join(root, 'damaged-'));
    await writeFile(join(liveDir, 'replay.json'), '{"shiftWeeks": "many"}');
    expect(() => readReplay(liveDir)).toThrow(/shiftWeeks is "many", expected a whole number.*start anew/);
  });
});

/** The choice of weeks alone, so that another folder replays with the same shift from nothing. */
async function copyState(from: string, to: string): Promise<void> {
  await mkdir(to, { recursive: true });
  const state: Record<string, unknown> = JSON.parse(await readFile(join(from, 'replay.json'), 'utf8'));
  await writeFile(join(to, 'replay.json'), JSON.stringify({ ...state, preparedUntil: null }));
}
