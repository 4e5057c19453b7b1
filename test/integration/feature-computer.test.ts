import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { BatchViewSpec, Transformation } from '../../src/core/feature-view.ts';
import type { Interval } from '../../src/core/interval.ts';
import { formatTime, timeOf } from '../../src/core/time.ts';
import type { Value, ValueType } from '../../src/core/value-type.ts';
import { createDuckDbFeatureComputer } from '../../src/offline/duckdb/compute/duckdb-feature-computer.ts';
import { createDuckDb, type DuckDbEngine } from '../../src/offline/duckdb/engine.ts';
import type { FeatureComputer } from '../../src/offline/feature-computer.ts';
import {
  aggregations,
  batchView,
  fileSource,
  simple,
  storedRows,
  writeParquet,
} from '../support/offline-case.ts';

let folder: string;
let engine: DuckDbEngine;
let computer: FeatureComputer;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'tidemark-computer-'));
  engine = await createDuckDb({ memory: '500MB', threads: 2, tempDir: join(folder, 'spill') });
  computer = createDuckDbFeatureComputer(engine, { baseDir: folder, offlineRoot: join(folder, 'offline') });
});
afterAll(async () => {
  await engine.close();
  await rm(folder, { recursive: true, force: true });
});

const between = (start: string, end: string): Interval => ({ start: timeOf(start), end: timeOf(end) });
const DAY = between('2026-01-05T00:00:00Z', '2026-01-06T00:00:00Z');
let cases = 0;

/** Writes a source of a VALUES list, computes, and gives the stored rows in a form that is easy to read. */
async function compute(
  columns: string,
  values: string,
  transformation: Transformation,
  features: readonly (readonly [string, ValueType])[],
  overrides: Partial<BatchViewSpec> & { readonly range?: Interval; readonly created?: string } = {},
) {
  const { range = DAY, created = null, ...rest } = overrides;
  const name = `case${cases++}`;
  await writeParquet(
    engine,
    join(folder, name, 'events.parquet'),
    `SELECT * FROM (VALUES ${values}) t(${columns})`,
  );
  const view = batchView(
    fileSource({ path: `${name}/events.parquet`, createdTimestampField: created }),
    transformation,
    features,
    rest,
  );
  const file = await computer.compute({ view, range, path: `${name}/out.parquet` });
  if (file === null) return [];
  return (await storedRows(engine, view, join(folder, 'offline'), file.path)).map((row) => ({
    key: row.key,
    at: formatTime(row.eventTime),
    created: formatTime(row.createdTime),
    end: formatTime(row.intervalEnd),
    values: row.values,
  }));
}

const valuesAt = (rows: Awaited<ReturnType<typeof compute>>, at: string): readonly Value[] | undefined =>
  rows.find((row) => row.at === at)?.values;

describe('aggregations by hand', () => {
  test('an event counts from the tick after it to the last tick within the window, and then the row is empty once', async () => {
    const rows = await compute(
      '"at", user_id, amount',
      `(TIMESTAMP '2026-01-05 03:00:00', 1, 5.0)`,
      aggregations({ n: simple('count', null, '2h'), total: simple('sum', 'amount', '2h') }),
      [
        ['n', 'int64'],
        ['total', 'float64'],
      ],
    );
    expect(rows.map(({ at, values }) => [at, ...values])).toEqual([
      ['2026-01-05T04:00:00Z', 1n, 5],
      ['2026-01-05T05:00:00Z', 1n, 5],
      ['2026-01-05T06:00:00Z', 0n, null],
    ]);
  });

  test('windows end before the tick and begin with their first microsecond', async () => {
    const rows = await compute(
      '"at", user_id, v',
      `(TIMESTAMP '2026-01-05 02:00:00', 1, 'edge'), (TIMESTAMP '2026-01-05 01:59:59.999999', 1, 'before'), (TIMESTAMP '2026-01-05 03:00:00', 1, 'tick')`,
      aggregations({ all: simple('collectList', 'v', '1h', { argument: 9 }) }),
      [['all', 'array<string>']],
    );
    expect(rows.map(({ at, values }) => [at, values[0]])).toEqual([
      ['2026-01-05T02:00:00Z', ['before']],
      ['2026-01-05T03:00:00Z', ['edge']],
      ['2026-01-05T04:00:00Z', ['tick']],
      ['2026-01-05T05:00:00Z', null],
    ]);
  });

  test('a condition, ties of the mode, the order of lists, quantiles and ratios are as promised', async () => {
    const rows = await compute(
      '"at", created, user_id, word, n',
      `(TIMESTAMP '2026-01-05 00:10:00', TIMESTAMP '2026-01-05 00:30:00', 1, 'b', 1),
       (TIMESTAMP '2026-01-05 00:10:00', TIMESTAMP '2026-01-05 00:20:00', 1, 'z', 2),
       (TIMESTAMP '2026-01-05 00:10:00', TIMESTAMP '2026-01-05 00:20:00', 1, 'a', 3),
       (TIMESTAMP '2026-01-05 00:40:00', NULL, 1, 'b', 10),
       (TIMESTAMP '2026-01-05 00:45:00', NULL, 1, 'a', NULL)`,
      aggregations({
        usual: simple('mode', 'word', '1h'),
        big: simple('sum', 'n', '1h', { where: 'n >= 2 -- not one' }),
        list: simple('collectList', 'word', '1h', { argument: 4 }),
        first: simple('first', 'word', '1h'),
        last: simple('last', 'n', '1h'),
        q: simple('quantile', 'n', '1h', { argument: 0.75 }),
        twice: simple('max', 'n * 2', '1h'),
        share: {
          kind: 'ratio',
          numerator: simple('count', null, '1h', { where: "word = 'a'" }),
          denominator: simple('count', null, '1h'),
        },
        none: {
          kind: 'ratio',
          numerator: simple('count', null, '1h'),
          denominator: simple('count', null, '1h', { where: 'false' }),
        },
        spread: simple('stddev', 'n', '1h'),
        alone: simple('stddev', 'n', '1h', { where: 'n = 1' }),
      }),
      [
        ['usual', 'string'],
        ['big', 'int64'],
        ['list', 'array<string>'],
        ['first', 'string'],
        ['last', 'int32'],
        ['q', 'float64'],
        ['twice', 'int64'],
        ['share', 'float64'],
        ['none', 'float64'],
        ['spread', 'float64'],
        ['alone', 'float64'],
      ],
      { created: 'created', dataDelay: '5m' },
    );
    expect(valuesAt(rows, '2026-01-05T01:00:00Z')).toEqual([
      'a',
      15n,
      ['z', 'b', 'b', 'a'],
      'a',
      10,
      4.75,
      20n,
      0.4,
      null,
      Math.sqrt(50 / 3),
      null,
    ]);
    expect(rows[0]?.created).toBe('2026-01-05T01:05:00Z');
  });

  test('a row written late is created late', async () => {
    const rows = await compute(
      '"at", created, user_id',
      `(TIMESTAMP '2026-01-05 00:10:00', TIMESTAMP '2026-01-09 00:00:00.000001', 1)`,
      aggregations({ n: simple('count', null, '1h') }),
      [['n', 'int64']],
      { created: 'created' },
    );
    expect(rows.map(({ created }) => created)).toEqual([
      '2026-01-09T00:00:00.000001Z',
      '2026-01-05T02:00:00Z',
    ]);
  });

  test('a sum that does not fit int64 is an error, and never another number', async () => {
    await expect(
      compute(
        '"at", user_id, n',
        `(TIMESTAMP '2026-01-05 00:10:00', 1, 9223372036854775807), (TIMESTAMP '2026-01-05 00:10:00', 1, 1)`,
        aggregations({ total: simple('sum', 'n', '1h') }),
        [['total', 'int64']],
      ),
    ).rejects.toMatchObject({ code: 'SOURCE_SCHEMA_MISMATCH', message: expect.stringContaining('case@v1') });
  });

  test('a deviation of near values far from zero keeps its digits', async () => {
    const rows = await compute(
      '"at", user_id, x',
      `(TIMESTAMP '2026-01-05 00:10:00', 1, 1e9 + 0.1), (TIMESTAMP '2026-01-05 00:10:00', 1, 1e9 + 0.2), (TIMESTAMP '2026-01-05 00:10:00', 1, 1e9 + 0.3)`,
      aggregations({ s: simple('stddev', 'x', '1h') }),
      [['s', 'float64']],
    );
    expect(rows[0]?.values[0]).toBeCloseTo(0.1, 6);
  });

  test('a timestamp column that is not one is said to be so', async () => {
    await expect(
      compute('"at", user_id', `('yesterday', 1)`, aggregations({ n: simple('count', null, '1h') }), [
        ['n', 'int64'],
      ]),
    ).rejects.toMatchObject({ code: 'SOURCE_SCHEMA_MISMATCH', message: expect.stringContaining('VARCHAR') });
  });
});

describe('pass-through views', () => {
  const PASS = { kind: 'passthrough' } as const;

  test('keep microseconds, normalise zones, and belong to the interval that ends after them', async () => {
    const rows = await compute(
      '"at", user_id, v',
      `(TIMESTAMPTZ '2026-01-05 01:59:59.999999+01', 1, 'a'), (TIMESTAMPTZ '2026-01-05 01:00:00Z', 1, 'b'), (TIMESTAMPTZ '2026-01-05 00:59:59.999999+01', 1, 'the day before'), (TIMESTAMPTZ '2026-01-06 00:00:00Z', 1, 'the day after')`,
      PASS,
      [['v', 'string']],
    );
    expect(rows).toEqual([
      {
        key: [1n],
        at: '2026-01-05T00:59:59.999999Z',
        created: '2026-01-05T00:59:59.999999Z',
        end: '2026-01-05T01:00:00Z',
        values: ['a'],
      },
      {
        key: [1n],
        at: '2026-01-05T01:00:00Z',
        created: '2026-01-05T01:00:00Z',
        end: '2026-01-05T02:00:00Z',
        values: ['b'],
      },
    ]);
  });

  test('find interval ends on an irregular schedule', async () => {
    const rows = await compute(
      '"at", user_id, v',
      `(TIMESTAMP '2026-01-05 03:15:00', 1, 1), (TIMESTAMP '2026-01-08 03:14:59.999999', 1, 2), (TIMESTAMP '2026-01-08 03:15:00', 1, 3)`,
      PASS,
      [['v', 'int32']],
      { schedule: '15 3 * * 1,4', range: between('2026-01-05T03:15:00Z', '2026-01-12T03:15:00Z') },
    );
    expect(rows.map(({ end }) => end)).toEqual([
      '2026-01-08T03:15:00Z',
      '2026-01-08T03:15:00Z',
      '2026-01-12T03:15:00Z',
    ]);
  });

  test('reduce duplicates to the one with the greatest values, and drop rows without key or time', async () => {
    const rows = await compute(
      '"at", created, user_id, v',
      `(TIMESTAMP '2026-01-05 01:00:00', TIMESTAMP '2026-01-05 02:00:00', 1, 'a'),
       (TIMESTAMP '2026-01-05 01:00:00', TIMESTAMP '2026-01-05 02:00:00', 1, 'c'),
       (TIMESTAMP '2026-01-05 01:00:00', TIMESTAMP '2026-01-05 02:00:00', 1, NULL),
       (TIMESTAMP '2026-01-05 01:00:00', TIMESTAMP '2026-01-05 03:00:00', 1, 'b'),
       (TIMESTAMP '2026-01-05 01:00:00', NULL, 1, 'z'), (NULL, NULL, 1, 'z'), (TIMESTAMP '2026-01-05 01:00:00', NULL, NULL, 'z')`,
      PASS,
      [['v', 'string']],
      { created: 'created' },
    );
    expect(rows.map(({ created, values }) => [created, values[0]])).toEqual([
      ['2026-01-05T01:00:00Z', 'z'],
      ['2026-01-05T02:00:00Z', 'c'],
      ['2026-01-05T03:00:00Z', 'b'],
    ]);
  });

  test('carry all types, and a date as event time is its midnight', async () => {
    const rows = await compute(
      '"at", user_id, b, j, d, ts, v, l',
      `(DATE '2026-01-05', 1, '\\xAB'::BLOB, '{"a":1}', DATE '2026-02-01', TIMESTAMPTZ '2026-01-01 00:00:00.000001+01', [1.5, 2], [1, NULL]::INTEGER[])`,
      PASS,
      [
        ['b', 'bytes'],
        ['j', 'json'],
        ['d', 'date'],
        ['ts', 'timestamp'],
        ['v', 'vector(2)'],
        ['l', 'array<int64>'],
      ],
    );
    expect(rows.map(({ at, values }) => [at, ...values])).toEqual([
      [
        '2026-01-05T00:00:00Z',
        Uint8Array.of(0xab),
        '{"a":1}',
        '2026-02-01',
        timeOf('2025-12-31T23:00:00.000001Z'),
        Float32Array.of(1.5, 2),
        [1n, null],
      ],
    ]);
  });

  test('give no file when there is no row', async () => {
    expect(
      await compute('"at", user_id, v', `(TIMESTAMP '2026-02-05 01:00:00', 1, 1)`, PASS, [['v', 'int32']]),
    ).toEqual([]);
    expect(await readdir(join(folder, 'offline', `case${cases - 1}`))).toEqual([]);
  });
});

describe('SQL views', () => {
  const sql = (query: string, intervalsPerQuery: number | null): Transformation => ({
    kind: 'sql',
    query,
    queryDigest: '',
    intervalsPerQuery,
  });
  const EVENTS = `(TIMESTAMP '2026-01-05 00:10:00', 1, 2), (TIMESTAMP '2026-01-05 00:20:00', 1, 3), (TIMESTAMP '2026-01-05 01:20:00', 1, 10)`;
  const FEATURES = [['total', 'int64']] as const;

  test('run once per interval and belong to its end', async () => {
    const rows = await compute(
      '"at", user_id, n',
      EVENTS,
      sql(
        `-- one row per user and interval
         WITH mine AS (SELECT * FROM events WHERE "at" >= $interval_start AND "at" < $interval_end)
         SELECT user_id, $interval_end AS "at", sum(n) AS total FROM mine GROUP BY ALL; -- done`,
        1,
      ),
      FEATURES,
    );
    expect(rows.map(({ at, end, values }) => [at, end, ...values])).toEqual([
      ['2026-01-05T01:00:00Z', '2026-01-05T01:00:00Z', 5n],
      ['2026-01-05T02:00:00Z', '2026-01-05T02:00:00Z', 10n],
    ]);
  });

  test.each([null, 5])(
    'run for many intervals (%s) and belong to the tick after their event time',
    async (intervals) => {
      const rows = await compute(
        '"at", user_id, n',
        EVENTS,
        sql(
          'SELECT user_id, "at", n + 1 AS total FROM events WHERE "at" >= $interval_start AND "at" < $interval_end',
          intervals,
        ),
        FEATURES,
      );
      expect(rows.map(({ at, end, values }) => [at, end, ...values])).toEqual([
        ['2026-01-05T00:10:00Z', '2026-01-05T01:00:00Z', 3n],
        ['2026-01-05T00:20:00Z', '2026-01-05T01:00:00Z', 4n],
        ['2026-01-05T01:20:00Z', '2026-01-05T02:00:00Z', 11n],
      ]);
    },
  );

  test('give a row at a boundary to the interval that begins there, however the range is cut', async () => {
    const at = ['01:00', '01:30', '02:00', '03:00'];
    const events = at.map((time, n) => `(TIMESTAMP '2026-01-05 ${time}:00', 1, ${n})`).join(', ');
    const rows = async (query: string, ranges: readonly (readonly [string, string])[]) => {
      const found = [];
      for (const [start, end] of ranges) {
        const range = between(`2026-01-05T${start}:00Z`, `2026-01-05T${end}:00Z`);
        const part = await compute('"at", user_id, n', events, sql(query, 1), FEATURES, { range });
        found.push(...part.map((row) => [row.at.slice(11, 16), row.end.slice(11, 16), ...row.values]));
      }
      return found;
    };
    const given = [
      ['01:00', '02:00', 0n],
      ['01:30', '02:00', 1n],
      ['02:00', '03:00', 2n],
      ['03:00', '04:00', 3n],
    ];
    const whole = [['00:00', '04:00']] as const;
    const cut = [
      ['00:00', '01:00'],
      ['01:00', '02:00'],
      ['02:00', '03:00'],
      ['03:00', '04:00'],
    ] as const;
    const FROM_EVENTS = 'SELECT user_id, "at", n AS total FROM events WHERE "at"';
    const closed = `${FROM_EVENTS} BETWEEN $interval_start AND $interval_end`;
    expect(await rows(closed, whole)).toEqual(given);
    expect(await rows(closed, cut)).toEqual(given);

    const afterStart = `${FROM_EVENTS} > $interval_start AND "at" <= $interval_end`;
    const before = given.map(([time, end, n]) => [time, time === '01:30' ? end : time, n]);
    expect(await rows(afterStart, whole)).toEqual(before);
    expect(await rows(afterStart, cut)).toEqual(before);
  });

  test.each([
    [
      sql('SELECT user_id, "at", n AS total FROM events', 1),
      /lie outside \[2026-01-05T00:00:00Z, 2026-01-05T01:00:00Z\)/,
    ],
    [sql('SELECT user_id, $interval_end AS "at", 1 AS total FROM events', null), /lie outside/],
    [sql('SELECT user_id, "at", nope AS total FROM events', null), /the query of view "case": .*nope/],
    [
      sql('SELECT user_id, "at", n AS total FROM elsewhere', null),
      /reads elsewhere, and may read events only/,
    ],
    [sql(`SELECT user_id, "at", n AS total FROM read_parquet('x')`, null), /read_parquet/],
    [sql('SELECT 1; SELECT 2', null), /one SELECT statement/],
    [sql('DROP TABLE events', null), /it is not a SELECT\.$/],
    [sql('SELECT $other', null), /\$other/],
  ])('refuse %o', async (transformation, message) => {
    await expect(compute('"at", user_id, n', EVENTS, transformation, FEATURES)).rejects.toMatchObject({
      code: 'QUERY_INVALID',
      message: expect.stringMatching(message),
    });
  });

  const NEWEST = `SELECT user_id, "at", n AS total FROM events
    WHERE "at" >= $interval_start AND "at" < $interval_end
    QUALIFY row_number() OVER (PARTITION BY user_id ORDER BY "at" DESC) = 1`;

  test('that give other rows when their range is cut are refused for many intervals, and run for one', async () => {
    await expect(compute('"at", user_id, n', EVENTS, sql(NEWEST, null), FEATURES)).rejects.toMatchObject({
      code: 'QUERY_INVALID',
      message: expect.stringMatching(
        /gives 1 rows that it does not give for the whole.*Set intervalsPerQuery: 1/s,
      ),
    });
    const rows = await compute('"at", user_id, n', EVENTS, sql(NEWEST, 1), FEATURES);
    expect(rows.map(({ at, values }) => [at, ...values])).toEqual([
      ['2026-01-05T00:20:00Z', 3n],
      ['2026-01-05T01:20:00Z', 10n],
    ]);
  });

  test('name a column that the query does not give', async () => {
    await expect(
      compute('"at", user_id, n', EVENTS, sql('SELECT user_id, "at" FROM events', null), FEATURES),
    ).rejects.toMatchObject({ code: 'SOURCE_SCHEMA_MISMATCH', message: expect.stringContaining('"total"') });
  });
});

describe('files and digests', () => {
  const view = (path: string, aggregated = true) =>
    batchView(
      fileSource({ path }),
      aggregated
        ? aggregations({
            total: simple('sum', 'x', '3h'),
            list: simple('collectList', 'x', '1h', { argument: 2 }),
          })
        : { kind: 'passthrough' },
      aggregated
        ? [
            ['total', 'float64'],
            ['list', 'array<float64>'],
          ]
        : [['x', 'float64']],
    );
  const source = (order: string) =>
    `SELECT TIMESTAMP '2026-01-04 12:00:00' + to_microseconds((hash(i) % 129600000000)::BIGINT) AS "at", hash(i + 1) % 2000 AS user_id, (hash(i + 2) % 1000) * 0.1 AS x, hash(i + 9) AS other FROM range(200000) t(i) ORDER BY ${order}`;

  test('the same input gives the same bytes, whatever the order of source rows and the number of threads', async () => {
    await writeParquet(engine, join(folder, 'd1.parquet'), source('i'));
    await writeParquet(engine, join(folder, 'd2.parquet'), source('hash(i, 7)'));
    const alone = await createDuckDb({ memory: '500MB', threads: 1, tempDir: join(folder, 'spill') });
    const other = createDuckDbFeatureComputer(alone, {
      baseDir: folder,
      offlineRoot: join(folder, 'offline'),
    });
    const range = DAY;
    for (const aggregated of [true, false]) {
      const a = await computer.compute({
        view: view('d1.parquet', aggregated),
        range,
        path: `digest/a${aggregated}.parquet`,
      });
      const b = await other.compute({
        view: view('d2.parquet', aggregated),
        range,
        path: `digest/b${aggregated}.parquet`,
      });
      expect(a?.rows).toBeGreaterThan(20_000);
      expect({ ...b, path: '' }).toEqual({ ...a, path: '' });
      expect(await other.inputDigest(view('d2.parquet', aggregated), range)).toBe(
        await computer.inputDigest(view('d1.parquet', aggregated), range),
      );
    }
    const bytes = await readFile(join(folder, 'offline', 'digest/atrue.parquet'));
    expect(bytes.includes(folder)).toBe(false);
    expect(
      (await readdir(join(folder, 'offline', 'digest'))).filter((name) => name.includes('unfinished')),
    ).toEqual([]);
    await alone.close();
  });

  test('other bytes need another version of the computer, or they would lie under a name that is committed', async () => {
    await writeParquet(
      engine,
      join(folder, 'v.parquet'),
      `SELECT TIMESTAMP '2026-01-05 05:00:00' AS "at", 1 AS user_id, 1.5 AS x`,
    );
    const file = await computer.compute({ view: view('v.parquet', false), range: DAY, path: 'v.parquet' });
    expect({ version: computer.version, digest: file?.digest }).toEqual({
      version: 'DuckDB v1.5.5, format 3',
      digest: '27b1e4ed3e891ab2d12c830613173c0a1f65bf6287af5e4b1c63e5543cd2d28d',
    });
  });

  test('the input digest changes with rows that decide the range, window lookback included, and with no others', async () => {
    const rows = (x: string, at: string) =>
      `SELECT * FROM (VALUES (TIMESTAMP '2026-01-05 05:00:00', 1, 1.0, 1), (${at}, 1, 2.0, ${x})) t("at", user_id, x, other)`;
    const digest = async (select: string) => {
      await writeParquet(engine, join(folder, 'i.parquet'), select);
      return computer.inputDigest(view('i.parquet'), DAY);
    };
    const base = await digest(rows('1', `TIMESTAMP '2026-01-04 21:00:00'`));
    expect(await digest(rows('2', `TIMESTAMP '2026-01-04 21:00:00'`))).toBe(base);
    expect(await digest(rows('1', `TIMESTAMP '2026-01-04 21:00:01'`))).not.toBe(base);
    expect(await digest(rows('1', `TIMESTAMP '2026-01-04 20:59:59.999999'`))).not.toBe(base);
    expect(await digest(rows('1', `TIMESTAMP '2026-01-06 00:00:00'`))).toBe(
      await digest(rows('1', `TIMESTAMP '2026-01-04 20:59:59.999999'`)),
    );
  });

  test('a cancelled computation says so and leaves nothing', async () => {
    const abort = new AbortController();
    await writeParquet(engine, join(folder, 'd3.parquet'), source('i'));
    setTimeout(() => abort.abort(), 20);
    await expect(
      computer.compute({
        view: view('d3.parquet'),
        range: DAY,
        path: 'cancelled/a.parquet',
        signal: abort.signal,
      }),
    ).rejects.toMatchObject({ code: 'CANCELLED' });
    await mkdir(join(folder, 'offline', 'cancelled'), { recursive: true });
    expect(await readdir(join(folder, 'offline', 'cancelled'))).toEqual([]);
  });

  test('a profile counts rows, entities and nulls, and only the part of a file that counts', async () => {
    const path = 'profile/p.parquet';
    await writeParquet(
      engine,
      join(folder, 'p.parquet'),
      `SELECT * FROM (VALUES (TIMESTAMP '2026-01-05 00:30:00', 1, 1.5), (TIMESTAMP '2026-01-05 01:30:00', 2, NULL), (TIMESTAMP '2026-01-05 01:40:00', 1, 'nan'::DOUBLE), (TIMESTAMP '2026-01-05 01:50:00', 1, 4.0)) t("at", user_id, x)`,
    );
    const passing = view('p.parquet', false);
    await computer.compute({ view: passing, range: DAY, path });
    expect(await computer.profile(passing, [{ path }])).toEqual({
      rows: 4,
      entities: 2,
      features: [{ feature: 'x', nulls: 1, min: 1.5, max: 4, mean: 2.75 }],
    });
    const part = between('2026-01-05T01:00:00Z', '2026-01-05T02:00:00Z');
    expect((await computer.profile(passing, [{ path, range: part }])).rows).toBe(3);
    expect(await computer.profile(passing, [])).toEqual({
      rows: 0,
      entities: 0,
      features: [{ feature: 'x', nulls: 0, min: null, max: null, mean: null }],
    });
  });

  test.each([
    ['missing.parquet', /No files found.*relative paths start at/],
    ['*/nothing-*.parquet', /No files found/],
    ['text.parquet', /check that the files are Parquet/],
  ])('an unreadable source (%s) is named with its path and what to do', async (path, message) => {
    await writeFile(join(folder, 'text.parquet'), 'this is not Parquet, and it is long enough to look at');
    await expect(computer.compute({ view: view(path), range: DAY, path: 'x.parquet' })).rejects.toMatchObject(
      {
        code: 'SOURCE_UNREADABLE',
        message: expect.stringMatching(message),
      },
    );
    await expect(computer.inputDigest(view(path), DAY)).rejects.toMatchObject({
      message: expect.stringContaining(`source "events" at ${join(folder, path)}`),
    });
  });
});
