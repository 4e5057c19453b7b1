import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type AggregatedRow, aggregate } from '../../src/core/aggregate.ts';
import type { Interval } from '../../src/core/interval.ts';
import type { EventRow } from '../../src/core/rows.ts';
import { scheduleOf } from '../../src/core/schedule.ts';
import { durationOf, type Micros, micros, timeOf } from '../../src/core/time.ts';
import type { Value, ValueType } from '../../src/core/value-type.ts';
import { createDuckDbFeatureComputer } from '../../src/offline/duckdb/compute/duckdb-feature-computer.ts';
import { createDuckDb, type DuckDbEngine } from '../../src/offline/duckdb/engine.ts';
import {
  aggregations,
  batchView,
  bitsOf,
  eventsSql,
  fileSource,
  type StoredRow,
  simple,
  storedRows,
  writeParquet,
} from '../support/offline-case.ts';

let folder: string;
const engines: DuckDbEngine[] = [];
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'tidemark-aggregations-'));
  for (const threads of [1, 2]) {
    engines.push(await createDuckDb({ memory: '1GB', threads, tempDir: join(folder, 'spill') }));
  }
});
afterAll(async () => {
  for (const engine of engines) await engine.close();
  await rm(folder, { recursive: true, force: true });
});

const COLUMNS: Readonly<Record<string, ValueType>> = {
  user_id: 'int64',
  region: 'string',
  amount: 'float64',
  ratio: 'float32',
  n: 'int64',
  word: 'string',
  flag: 'bool',
};

const W = ['1h', '90m', '1d'] as const;
const FEATURES: readonly (readonly [string, ValueType, ReturnType<typeof simple>])[] = [
  ['events', 'int64', simple('count', null, W[0])],
  ['flagged', 'int64', simple('count', null, W[2], { where: 'flag' })],
  ['amounts', 'int64', simple('count', 'amount', W[1])],
  ['words', 'int64', simple('countDistinct', 'word', W[1])],
  ['total', 'float64', simple('sum', 'amount', W[0])],
  ['total_day', 'float64', simple('sum', 'amount', W[2], { where: 'n > 0' })],
  ['total_n', 'int64', simple('sum', 'n', W[1])],
  ['total_n_double', 'float64', simple('sum', 'n', W[2])],
  ['mean', 'float64', simple('avg', 'amount', W[1])],
  ['mean_n', 'float64', simple('avg', 'n', W[0])],
  ['mean_ratio', 'float64', simple('avg', 'ratio', W[2])],
  ['least', 'float64', simple('min', 'amount', W[1])],
  ['most', 'string', simple('max', 'word', W[1])],
  ['spread', 'float64', simple('stddev', 'amount', W[1])],
  ['spread_n', 'float64', simple('stddev', 'n', W[2])],
  ['middle', 'float64', simple('median', 'n', W[1])],
  ['ninety', 'float64', simple('quantile', 'n', W[2], { argument: 0.9 })],
  ['usual', 'string', simple('mode', 'word', W[1])],
  ['usual_n', 'int64', simple('mode', 'n', W[2], { where: 'flag' })],
  ['first_word', 'string', simple('first', 'word', W[1])],
  ['last_word', 'string', simple('last', 'word', W[1])],
  ['last_amount', 'float64', simple('last', 'amount', W[2], { where: 'flag' })],
  ['recent', 'array<string>', simple('collectList', 'word', W[2], { argument: 3 })],
  ['recent_n', 'array<int64>', simple('collectList', 'n', W[0], { argument: 2, where: 'flag' })],
];
const TRANSFORMATION = aggregations({
  ...Object.fromEntries(FEATURES.map(([name, , aggregation]) => [name, aggregation])),
  share: {
    kind: 'ratio',
    numerator: simple('sum', 'amount', '1h'),
    denominator: simple('count', null, '1d'),
  },
});
/** Rounded more than once; the rest is exact in both. (A deviation takes values below 2^-450 for 0.) */
const ROUNDED = new Set(['spread', 'spread_n', 'middle', 'ninety']);

const START = timeOf('2026-01-05T00:00:00Z');
const SCHEDULES = ['0 * * * *', '*/30 * * * *', '15 3 * * 1,4', '0 0,5,6 * * *'] as const;

const minutes = (count: number) => BigInt(count) * 60_000_000n;

/** Times around ticks and window edges, to the microsecond, with many ties. */
const timeArbitrary = fc
  .tuple(fc.integer({ min: -40, max: 110 }), fc.constantFrom(0n, 0n, 0n, -1n, 1n, 17_000_001n))
  .map(([halfHours, offset]) => micros(START + minutes(halfHours * 30) + offset));

const doubleArbitrary = fc.oneof(
  fc.integer({ min: -20, max: 20 }).map((cents) => cents / 10),
  fc.constantFrom(0.1, 1e16, -1e16, 1e-9, 123456.789, -0),
  fc.double({ noDefaultInfinity: true, noNaN: true, min: -1e9, max: 1e9 }),
);
const wildArbitrary = fc.oneof(
  fc.constantFrom(1e300, -1e300, 1e-300, 5e-324, 1, -0, 0.1, Number.NaN, Infinity, -Infinity),
  doubleArbitrary,
);

const eventArbitrary = (amount: fc.Arbitrary<number>): fc.Arbitrary<EventRow> =>
  fc.record({
    eventTime: timeArbitrary,
    createdTime: fc.option(timeArbitrary, { freq: 5 }),
    columns: fc.record({
      user_id: fc.option(fc.constantFrom(1n, 2n, 9007199254740993n), { freq: 12 }),
      region: fc.option(fc.constantFrom('a', 'é|b'), { freq: 12 }),
      amount: fc.option(amount, { freq: 6 }),
      ratio: fc.option(fc.float({ noDefaultInfinity: true, noNaN: true }), { freq: 6 }),
      n: fc.option(fc.oneof(fc.bigInt({ min: -3n, max: 3n }), fc.constant(4611686018427387n)), { freq: 6 }),
      word: fc.option(fc.constantFrom('x', 'y', 'Z', 'ü', '', 'a longer word than twelve bytes'), {
        freq: 6,
      }),
      flag: fc.option(fc.boolean(), { freq: 6 }),
    }),
  }) as fc.Arbitrary<EventRow>;

function read(text: string, { columns }: EventRow): Value {
  if (text === 'n > 0') return typeof columns.n === 'bigint' ? columns.n > 0n : null;
  const value = columns[text] ?? null;
  return Object.is(value, -0) ? 0 : value;
}

let runs = 0;

/** Computes the cut-up range on one engine and returns the stored rows of all files. */
async function computed(
  events: readonly EventRow[],
  schedule: string,
  parts: readonly Interval[],
  engine: DuckDbEngine,
  keys: readonly string[],
): Promise<readonly StoredRow[]> {
  const root = join(folder, `run${runs++}`);
  await writeParquet(engine, join(root, 'events.parquet'), eventsSql(events, COLUMNS));
  const view = viewOf(schedule, keys);
  const computer = createDuckDbFeatureComputer(engine, { baseDir: root, offlineRoot: root });
  const rows: StoredRow[] = [];
  for (const [index, range] of parts.entries()) {
    const file = await computer.compute({ view, range, path: `out/${index}.parquet` });
    if (file !== null) rows.push(...(await storedRows(engine, view, root, file.path)));
  }
  await rm(root, { recursive: true });
  return rows;
}

function viewOf(schedule: string, keys: readonly string[]) {
  return batchView(
    fileSource({ path: 'events.parquet', createdTimestampField: 'created' }),
    TRANSFORMATION,
    [...FEATURES.map(([name, type]) => [name, type] as const), ['share', 'float64']],
    {
      schedule,
      dataDelay: '10m',
      joinKeys: keys.map((name) => ({ name, type: name === 'region' ? 'string' : 'int64' })),
    },
  );
}

const order = (rows: readonly AggregatedRow[]) =>
  rows.toSorted((a, b) => {
    if (a.eventTime !== b.eventTime) return a.eventTime < b.eventTime ? -1 : 1;
    for (const [index, part] of a.key.entries()) {
      const other = b.key[index]!;
      if (part !== other) {
        return typeof part === 'string'
          ? Buffer.compare(Buffer.from(part), Buffer.from(String(other)))
          : part < other
            ? -1
            : 1;
      }
    }
    return 0;
  });

function rangeOf(schedule: string): { ticks: readonly Micros[]; whole: Interval } {
  const ticks = scheduleOf(schedule).ticks(START, micros(START + minutes(60 * 24 * 4)));
  return { ticks, whole: { start: ticks[0]!, end: ticks.at(-1)! } };
}

function expectEqual(rows: readonly StoredRow[], expected: readonly AggregatedRow[]): void {
  expect(rows.map(({ key, eventTime, createdTime }) => bitsOf([key, eventTime, createdTime]))).toEqual(
    expected.map(({ key, eventTime, createdTime }) => bitsOf([key, eventTime, createdTime])),
  );
  const names = [...FEATURES.map(([name]) => name), 'share'];
  for (const [index, row] of rows.entries()) {
    expect(row.intervalEnd).toBe(row.eventTime);
    for (const [at, name] of names.entries()) {
      const found = row.values[at];
      const wanted = expected[index]?.values[at];
      const where = `${name} of ${String(row.key)} at ${row.eventTime}`;
      if (
        ROUNDED.has(name) &&
        typeof wanted === 'number' &&
        typeof found === 'number' &&
        Number.isFinite(wanted)
      ) {
        expect(Math.abs(found - wanted), where).toBeLessThanOrEqual(1e-13 * Math.abs(wanted) + 1e-130);
      } else if (name === 'total_n_double' && wanted !== null) {
        expect(found, where).toBe(Number(wanted));
      } else expect(bitsOf(found), where).toBe(bitsOf(wanted));
    }
  }
}

test('equals the reference, and itself to the bit however the range is cut and whatever the threads', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(eventArbitrary(doubleArbitrary), { maxLength: 60, size: 'max' }),
      fc.constantFrom(...SCHEDULES),
      fc.array(fc.nat({ max: 200 }), { maxLength: 4 }),
      fc.constantFrom(['user_id'], ['user_id', 'region'], []),
      async (events, schedule, cuts, keys) => {
        const { ticks, whole } = rangeOf(schedule);
        const expected = aggregate(events, {
          keys,
          ticks,
          read,
          aggregations: TRANSFORMATION.aggregations,
          dataDelay: durationOf('10m'),
        });
        const rows = await computed(events, schedule, [whole], engines[0]!, keys);
        expectEqual(rows, order(expected));
        const at = [0, ...new Set(cuts.map((cut) => cut % ticks.length)), ticks.length - 1].toSorted(
          (a, b) => a - b,
        );
        const parts = at.flatMap((from, index) => {
          const to = at[index + 1];
          return to === undefined || to === from ? [] : [{ start: ticks[from]!, end: ticks[to]! }];
        });
        const pieces = await computed(events, schedule, parts, engines[1]!, keys);
        expect(pieces.map(bitsOf)).toEqual(rows.map(bitsOf));
      },
    ),
    { numRuns: 20, endOnFailure: true },
  );
}, 120_000);

test('stays exact and the same over numbers of wild size, infinities and not-a-numbers', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(eventArbitrary(wildArbitrary), { minLength: 1, maxLength: 25, size: 'max' }),
      fc.nat({ max: 200 }),
      async (events, cut) => {
        const schedule = SCHEDULES[3];
        const { ticks, whole } = rangeOf(schedule);
        const rows = await computed(events, schedule, [whole], engines[0]!, ['user_id']);
        const expected = order(
          aggregate(events, {
            keys: ['user_id'],
            ticks,
            read,
            aggregations: TRANSFORMATION.aggregations,
            dataDelay: durationOf('10m'),
          }),
        );
        for (const name of ['total', 'total_day', 'least', 'last_amount', 'mean']) {
          const at = FEATURES.findIndex(([feature]) => feature === name);
          expect(rows.map(({ values }) => bitsOf(values[at]))).toEqual(
            expected.map(({ values }) => bitsOf(values[at])),
          );
        }
        const middle = ticks[1 + (cut % (ticks.length - 2))]!;
        const parts = [
          { start: whole.start, end: middle },
          { start: middle, end: whole.end },
        ];
        const pieces = await computed(events, schedule, parts, engines[1]!, ['user_id']);
        expect(pieces.map(bitsOf)).toEqual(rows.map(bitsOf));
      },
    ),
    { numRuns: 5, endOnFailure: true },
  );
}, 120_000);
