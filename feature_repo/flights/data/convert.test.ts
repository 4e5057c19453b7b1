import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { DuckDBInstance } from '@duckdb/node-api';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ARCHIVE_SHA256 } from './convert.ts';

const instance = await DuckDBInstance.create(':memory:', { threads: '1' });
const connection = await instance.connect();

async function rows(sql: string): Promise<readonly Record<string, unknown>[]> {
  return (await connection.runAndReadAll(sql)).getRowObjectsJson();
}

const TABLES = ['flights', 'weather', 'planes', 'airports', 'airlines'];

beforeAll(async () => {
  for (const table of TABLES) {
    const path = join(import.meta.dirname, `${table}.parquet`);
    await connection.run(`CREATE VIEW ${table} AS FROM read_parquet('${path}')`);
  }
});

afterAll(() => {
  connection.closeSync();
  instance.closeSync();
});

async function flight(id: number): Promise<Record<string, unknown> | undefined> {
  return (
    await rows(`SELECT carrier, flight, origin, dest, scheduled_departure::VARCHAR AS scheduled_departure,
      departed_at::VARCHAR AS departed_at, scheduled_arrival::VARCHAR AS scheduled_arrival,
      arrived_at::VARCHAR AS arrived_at, event_timestamp::VARCHAR AS event_timestamp, cancelled
      FROM flights WHERE flight_id = ${id}`)
  )[0];
}

describe('the committed Parquet files', () => {
  it('are the ones whose provenance is written down', async () => {
    const provenance = await readFile(join(import.meta.dirname, 'PROVENANCE.md'), 'utf8');
    expect(provenance).toContain(ARCHIVE_SHA256);
    for (const table of TABLES) {
      const bytes = await readFile(join(import.meta.dirname, `${table}.parquet`));
      expect(provenance).toContain(createHash('sha256').update(bytes).digest('hex'));
    }
  });

  it.each([
    ['flights', 336_776],
    ['weather', 26_115],
    ['planes', 3_322],
    ['airports', 1_458],
    ['airlines', 16],
  ])('%s has %i rows', async (table, count) => {
    expect(await rows(`SELECT count(*)::INT AS n FROM ${table}`)).toEqual([{ n: count }]);
  });

  it('name each flight once, by its place in the original file', async () => {
    expect(
      await rows(`SELECT count(DISTINCT flight_id)::INT AS n, min(flight_id)::INT AS least, max(flight_id)::INT AS most
        FROM flights`),
    ).toEqual([{ n: 336_776, least: 1, most: 336_776 }]);
  });
});

describe('flights', () => {
  it('turn New York and destination clocks into UTC in winter', async () => {
    // UA 1545, EWR to IAH (Chicago time): 05:15 to 08:19, left 2 minutes and arrived 11 minutes late.
    expect(await flight(1)).toEqual({
      carrier: 'UA',
      flight: '1545',
      origin: 'EWR',
      dest: 'IAH',
      scheduled_departure: '2013-01-01 10:15:00',
      departed_at: '2013-01-01 10:17:00',
      scheduled_arrival: '2013-01-01 14:19:00',
      arrived_at: '2013-01-01 14:30:00',
      event_timestamp: '2013-01-01 14:30:00',
      cancelled: false,
    });
  });

  it('leave an hour earlier in UTC from the day on which daylight saving begins', async () => {
    const first = await rows(`SELECT min(scheduled_departure)::VARCHAR AS first FROM flights
      WHERE sched_dep_hour = 6 AND scheduled_departure::DATE BETWEEN '2013-03-09' AND '2013-03-10'
      GROUP BY scheduled_departure::DATE ORDER BY 1`);
    expect(first).toEqual([{ first: '2013-03-09 11:00:00' }, { first: '2013-03-10 10:00:00' }]);
  });

  it('cross the night in which daylight saving begins with their air time intact', async () => {
    // B6 to West Palm Beach, left 23:06 on 9 March, 141 minutes in the air, landed after clocks went forward.
    expect(await flight(144_508)).toMatchObject({
      dest: 'PBI',
      departed_at: '2013-03-10 04:06:00',
      arrived_at: '2013-03-10 07:03:00',
    });
  });

  it('to Arizona, Hawaii and Puerto Rico, without daylight saving, take as long in summer as in winter', async () => {
    const spread = await rows(`SELECT dest, max(typical) - min(typical) <= 20 AS steady FROM (
        SELECT dest, month(event_timestamp) IN (6, 7) AS summer,
          median(date_sub('minute', departed_at, arrived_at) - air_time) AS typical
        FROM flights WHERE dest IN ('PHX', 'HNL', 'SJU') AND air_time IS NOT NULL
          AND month(event_timestamp) IN (1, 2, 6, 7) GROUP BY ALL) GROUP BY dest ORDER BY dest`);
    expect(spread).toEqual(['HNL', 'PHX', 'SJU'].map((dest) => ({ dest, steady: true })));
  });

  it('have delays equal to the differences of their times', async () => {
    expect(
      await rows(`SELECT count(*)::INT AS wrong FROM flights
        WHERE dep_delay IS DISTINCT FROM date_sub('minute', scheduled_departure, departed_at)
          OR (arr_delay IS NOT NULL AND arr_delay <> date_sub('minute', scheduled_arrival, arrived_at))`),
    ).toEqual([{ wrong: 0 }]);
  });

  it('are longer on the ground than nothing and shorter than four hours beside their air time', async () => {
    expect(
      await rows(`SELECT count(*)::INT AS wrong FROM flights WHERE air_time IS NOT NULL
        AND NOT date_sub('minute', departed_at, arrived_at) - air_time BETWEEN 1 AND 240`),
    ).toEqual([{ wrong: 0 }]);
  });

  it('always have an event time, never before the outcome that it tells', async () => {
    expect(
      await rows(`SELECT count(*) FILTER (event_timestamp IS NULL)::INT AS missing,
        count(*) FILTER (event_timestamp < greatest(departed_at, arrived_at))::INT AS before_outcome,
        count(*) FILTER (cancelled AND event_timestamp <> scheduled_departure)::INT AS odd_cancelled,
        count(*) FILTER (event_timestamp <= scheduled_departure - INTERVAL 2 HOUR)::INT AS leaking FROM flights`),
    ).toEqual([{ missing: 0, before_outcome: 0, odd_cancelled: 0, leaking: 0 }]);
  });

  it('keep what is not known as null', async () => {
    expect(
      await rows(`SELECT count(*) FILTER (cancelled)::INT AS cancelled, count(*) FILTER (tailnum IS NULL)::INT AS no_tail,
        count(*) FILTER (cancelled AND departed_at IS NOT NULL)::INT AS flown,
        count(*) FILTER (NOT cancelled AND arrived_at IS NULL)::INT AS lost FROM flights`),
    ).toEqual([{ cancelled: 8_255, no_tail: 2_512, flown: 0, lost: 458 }]);
  });

  it('end before the replay says that the data ends', async () => {
    expect(
      await rows(`SELECT max(t) < TIMESTAMP '2014-01-02' AS ends, min(t) >= TIMESTAMP '2013-01-01' AS starts
        FROM (SELECT event_timestamp AS t FROM flights UNION ALL SELECT event_timestamp FROM weather)`),
    ).toEqual([{ ends: true, starts: true }]);
  });
});

describe('weather', () => {
  it('has one reading an airport and hour, also in the hour that is repeated in autumn', async () => {
    expect(
      await rows(`SELECT count(*)::INT AS n, count(DISTINCT (origin, event_timestamp))::INT AS hours,
        count(*) FILTER (event_timestamp IS NULL)::INT AS missing FROM weather`),
    ).toEqual([{ n: 26_115, hours: 26_115, missing: 0 }]);
  });
});
