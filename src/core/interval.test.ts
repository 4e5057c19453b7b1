import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  contains,
  contiguousEnd,
  formatInterval,
  type Interval,
  intersect,
  interval,
  overlaps,
  subtract,
  union,
} from './interval.ts';
import { type Micros, micros, timeOf } from './time.ts';

/** Intervals among 20 points, so that they touch, nest and repeat often. */
const POINTS = 20;
const intervals: fc.Arbitrary<Interval> = fc
  .tuple(fc.integer({ min: 0, max: POINTS - 1 }), fc.integer({ min: 1, max: 8 }))
  .map(([start, length]) => of(start, Math.min(POINTS, start + length)));
const lists = fc.array(intervals, { maxLength: 8 });

function of(start: number, end: number): Interval {
  return { start: micros(BigInt(start)), end: micros(BigInt(end)) };
}

/** The points that intervals cover: the plain meaning of every function here. */
function points(list: readonly Interval[]): readonly number[] {
  const all = Array.from({ length: POINTS }, (_, point) => point);
  return all.filter((point) => list.some(({ start, end }) => start <= BigInt(point) && BigInt(point) < end));
}

function expectOrderly(list: readonly Interval[]): void {
  for (const [index, { start, end }] of list.entries()) {
    expect(start).toBeLessThan(end);
    const next = list[index + 1];
    if (next !== undefined) expect(end).toBeLessThan(next.start);
  }
}

describe('union', () => {
  test('covers the same points, sorted, with no two that touch', () => {
    fc.assert(
      fc.property(lists, (list) => {
        const merged = union(list);
        expect(points(merged)).toEqual(points(list));
        expectOrderly(merged);
      }),
    );
  });

  test('does not depend on the order of its input and leaves it alone', () => {
    fc.assert(
      fc.property(lists, (list) => {
        const before = [...list];
        expect(union(list.toReversed())).toEqual(union(list));
        expect(list).toEqual(before);
        expect(union(union(list))).toEqual(union(list));
      }),
    );
  });
});

describe('subtract', () => {
  test('leaves exactly the points of the whole that no part covers', () => {
    fc.assert(
      fc.property(intervals, lists, (whole, parts) => {
        const rest = subtract(whole, parts);
        const covered = new Set(points(parts));
        expect(points(rest)).toEqual(points([whole]).filter((point) => !covered.has(point)));
        expectOrderly(rest);
      }),
    );
  });

  test('of a part in the middle leaves two, of everything leaves none', () => {
    expect(subtract(of(0, 10), [of(3, 5)])).toEqual([of(0, 3), of(5, 10)]);
    expect(subtract(of(3, 5), [of(0, 4), of(4, 10)])).toEqual([]);
    expect(subtract(of(3, 5), [])).toEqual([of(3, 5)]);
  });
});

describe('contiguousEnd', () => {
  test('is the first point from the start on that is not done', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: POINTS - 1 }), lists, (start, done) => {
        const covered = new Set(points(done));
        let end = start;
        while (covered.has(end)) end++;
        expect(contiguousEnd(micros(BigInt(start)), done)).toBe(BigInt(end));
      }),
    );
  });

  test('is the start itself when there is a hole there, whatever comes later', () => {
    expect(contiguousEnd(0n as Micros, [of(1, 5)])).toBe(0n);
    expect(contiguousEnd(0n as Micros, [])).toBe(0n);
  });
});

describe('overlaps, contains and intersect', () => {
  test('agree with the points', () => {
    fc.assert(
      fc.property(intervals, intervals, (a, b) => {
        const [inA, inB] = [points([a]), new Set(points([b]))];
        const both = inA.filter((point) => inB.has(point));
        expect(overlaps(a, b)).toBe(both.length > 0);
        expect(overlaps(b, a)).toBe(both.length > 0);
        expect(contains(b, a)).toBe(both.length === inA.length);
        const common = intersect(a, b);
        expect(common === undefined ? [] : points([common])).toEqual(both);
      }),
    );
  });

  test('say no to intervals that only touch', () => {
    expect(overlaps(of(0, 3), of(3, 5))).toBe(false);
    expect(intersect(of(0, 3), of(3, 5))).toBeUndefined();
  });
});

describe('interval', () => {
  test('refuses to end where it starts, or before', () => {
    expect(() => interval(1n as Micros, 1n as Micros)).toThrow(RangeError);
    expect(() => interval(2n as Micros, 1n as Micros)).toThrow('must end after it starts');
  });

  test('is written with its half-open brackets', () => {
    const range = interval(timeOf('2026-01-01'), timeOf('2026-01-02T00:00:00.5Z'));
    expect(formatInterval(range)).toBe('[2026-01-01T00:00:00Z, 2026-01-02T00:00:00.5Z)');
  });
});
