import fc from 'fast-check';
import { expect, test } from 'vitest';
import { micros } from '../../../core/time.ts';
import { mergeMinutes } from './merge-minutes.ts';

const minute = (n: number) => micros(BigInt(n) * 60_000_000n);
const merged = (minutes: readonly number[], most?: number) =>
  mergeMinutes(minutes.map(minute), most).map(({ start, end }) => [
    Number(start / 60_000_000n),
    Number(end / 60_000_000n),
  ]);

test('neighbours are one interval', () => {
  expect(merged([-2, -1, 0, 5, 6, 9])).toEqual([
    [-2, 1],
    [5, 7],
    [9, 10],
  ]);
});

test('of too many intervals those with the least time between them are joined', () => {
  expect(merged([0, 100, 103, 200, 201, 300], 3)).toEqual([
    [0, 1],
    [100, 202],
    [300, 301],
  ]);
});

test('no minutes are no intervals', () => {
  expect(merged([])).toEqual([]);
});

test('any minutes are held by at most so many intervals, which are apart and begin and end with them', () => {
  const minutes = fc.uniqueArray(fc.integer({ min: -1_000, max: 1_000 }), { minLength: 1, maxLength: 200 });
  fc.assert(
    fc.property(minutes, fc.integer({ min: 1, max: 20 }), (unsorted, most) => {
      const sorted = unsorted.toSorted((a, b) => a - b);
      const intervals = merged(sorted, most);
      expect(intervals.length).toBeLessThanOrEqual(most);
      for (const [at, [start = 0, end = 0]] of intervals.entries()) {
        expect(sorted).toContain(start);
        expect(sorted).toContain(end - 1);
        const next = intervals[at + 1]?.[0];
        if (next !== undefined) expect(next).toBeGreaterThan(end);
      }
      const isHeld = (each: number) => intervals.some(([start = 0, end = 0]) => start <= each && each < end);
      expect(sorted.filter((each) => !isHeld(each))).toEqual([]);
    }),
  );
});
