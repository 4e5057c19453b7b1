import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { micros } from '../../../core/time.ts';
import type { RevisedSlice } from '../../feature-reader.ts';
import type { FileRecency } from '../file-recency.ts';
import { recencyOfSlices } from './recency-of-slices.ts';

const file: FileRecency = {
  distinct: true,
  lag: { least: 0n, most: 5n },
  eventUnit: 1_000_000n,
  lagUnit: 1_000_000n,
};

interface Given {
  readonly path: string;
  readonly events: readonly [bigint, bigint];
  readonly range?: readonly [bigint, bigint];
  readonly told?: Partial<FileRecency> | null;
}

function of(...given: readonly Given[]) {
  const slices = given.map(
    ({ path, range }): RevisedSlice => ({
      path,
      revision: 0,
      ...(range !== undefined && { range: { start: micros(range[0]), end: micros(range[1]) } }),
    }),
  );
  return recencyOfSlices(slices, {
    eventTimes: new Map(given.map(({ path, events: [least, most] }) => [path, { least, most }])),
    recency: new Map(
      given.flatMap(({ path, told }) => (told === null ? [] : [[path, { ...file, ...told }]])),
    ),
  });
}

describe('of some slices', () => {
  test('bounds hold for all, and the finer unit', () => {
    expect(
      of(
        { path: 'a', events: [10n, 20n], told: { lag: { least: 1n, most: 9n } } },
        { path: 'b', events: [30n, 40n], told: { lag: { least: -2n, most: 4n }, lagUnit: 1n } },
      ),
    ).toEqual({
      event: { least: 10n, most: 40n },
      lag: { least: -2n, most: 9n },
      eventUnit: 1_000_000n,
      lagUnit: 1n,
      distinct: true,
    });
  });

  test('nothing is known when one file tells nothing, or when there is none', () => {
    expect(of({ path: 'a', events: [1n, 2n] }, { path: 'b', events: [3n, 4n], told: null })).toBeNull();
    expect(of()).toBeNull();
  });

  test('one that lies beside the rows of its file has none, and tells nothing', () => {
    const beside: Given = { path: 'a', events: [10n, 20n], range: [30n, 40n], told: { distinct: false } };
    expect(of(beside)).toBeNull();
    expect(of(beside, { path: 'b', events: [31n, 35n] })).toMatchObject({
      event: { least: 31n, most: 35n },
      distinct: true,
    });
  });

  test.each<[string, boolean, readonly Given[]]>([
    [
      'are, in files one after another',
      true,
      [
        { path: 'b', events: [21n, 30n] },
        { path: 'a', events: [10n, 20n] },
      ],
    ],
    [
      'may not be, where one begins when another ends',
      false,
      [
        { path: 'a', events: [10n, 20n] },
        { path: 'b', events: [20n, 30n] },
      ],
    ],
    [
      'may not be, in one file within another',
      false,
      [
        { path: 'a', events: [10n, 90n] },
        { path: 'b', events: [20n, 30n] },
      ],
    ],
    [
      'may not be, where the longest file is not the one before',
      false,
      [
        { path: 'a', events: [10n, 90n], range: [0n, 90n] },
        { path: 'a', events: [10n, 90n], range: [20n, 30n] },
        { path: 'b', events: [40n, 50n] },
      ],
    ],
    [
      'may not be, in a file that says so',
      false,
      [{ path: 'a', events: [10n, 20n], told: { distinct: false } }],
    ],
    [
      'are, where what another file took the place of is left out',
      true,
      [
        { path: 'a', events: [10n, 90n], range: [0n, 30n] },
        { path: 'b', events: [31n, 49n] },
        { path: 'a', events: [10n, 90n], range: [50n, 100n] },
      ],
    ],
  ])('rows %s distinct by event time', (_, distinct, given) => {
    expect(of(...given)?.distinct).toBe(distinct);
  });
});

/** So that some times are whole seconds, and some are not. */
const UNIT = 500_000n;
const TICK = 4n * UNIT;
const INTERVALS = 5;

/** Both ends of an interval can be times of its rows. */
const row = fc
  .record({
    key: fc.integer({ min: 0, max: 1 }),
    interval: fc.bigInt(0n, BigInt(INTERVALS) - 1n),
    offset: fc.constantFrom(0n, 1n, 2n, 4n),
    lag: fc.constantFrom(0n, 0n, 2n, 3n, -2n),
  })
  .map(({ key, interval, offset, lag }) => ({
    key,
    event: interval * TICK + offset * UNIT,
    lag: lag * UNIT,
    interval,
  }));
type Row = typeof row extends fc.Arbitrary<infer One> ? One : never;

const writtenFile = fc.record({
  rows: fc.array(row, { minLength: 1, maxLength: 5 }),
  /** Which of its intervals count; null for all of the file, without a range. */
  counted: fc.option(fc.array(fc.boolean(), { minLength: INTERVALS, maxLength: INTERVALS }), { freq: 3 }),
});

function sliced(path: string, counted: readonly boolean[] | null) {
  if (counted === null) return [{ path, revision: 0 }];
  return counted.flatMap((isCounted, at) => {
    const start = micros(BigInt(at) * TICK);
    return isCounted ? [{ path, revision: 0, range: { start, end: micros(start + TICK) } }] : [];
  });
}

const tie = (rows: readonly Row[]) =>
  new Set(rows.map(({ key, event }) => `${key} ${event}`)).size < rows.length;

function noted(rows: readonly Row[]): FileRecency {
  const whole = (values: readonly bigint[]) =>
    values.every((value) => value % 1_000_000n === 0n) ? 1_000_000n : 1n;
  const [events, lags] = [rows.map(({ event }) => event), rows.map(({ lag }) => lag)];
  return { distinct: !tie(rows), lag: boundsOf(lags), eventUnit: whole(events), lagUnit: whole(lags) };
}

function boundsOf(values: readonly bigint[]) {
  const [least = 0n, ...more] = values.toSorted((a, b) => (a < b ? -1 : Number(a > b)));
  return { least, most: more.at(-1) ?? least };
}

test('what is told of any slices of any files is true of their rows', () => {
  fc.assert(
    fc.property(fc.array(writtenFile, { maxLength: 3 }), (files) => {
      const slices = files.flatMap(({ counted }, at) => sliced(String(at), counted));
      const told = recencyOfSlices(slices, {
        eventTimes: new Map(
          files.map(({ rows }, at) => [String(at), boundsOf(rows.map(({ event }) => event))]),
        ),
        recency: new Map(files.map(({ rows }, at) => [String(at), noted(rows)])),
      });
      const rows = files.flatMap((one) =>
        one.rows.filter(({ interval }) => one.counted?.[Number(interval)] ?? true),
      );
      if (told === null) {
        expect(rows).toEqual([]);
        return;
      }
      expect(told.event.least <= told.event.most).toBe(true);
      for (const { event, lag } of rows) {
        expect(event >= told.event.least && event <= told.event.most).toBe(true);
        expect(lag >= told.lag.least && lag <= told.lag.most).toBe(true);
        // What is less than a unit above the least would be taken for the least.
        expect([(event - told.event.least) % told.eventUnit, (lag - told.lag.least) % told.lagUnit]).toEqual([
          0n,
          0n,
        ]);
      }
      if (told.distinct) expect(tie(rows)).toBe(false);
    }),
    { numRuns: 500 },
  );
});
