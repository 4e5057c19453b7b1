import { describe, expect, test } from 'vitest';
import type { Interval } from '../core/interval.ts';
import { micros } from '../core/time.ts';
import { missingOf, watermarkOf } from './watermark.ts';

function of(start: number, end: number): Interval {
  return { start: micros(BigInt(start)), end: micros(BigInt(end)) };
}

const held = (range: Interval) => ({ ...range, reason: 'too few rows', since: micros(0n) });

describe('watermarkOf', () => {
  test('is the end of the committed prefix, however it is cut', () => {
    expect(watermarkOf(micros(2n), { committed: [of(0, 3), of(3, 5), of(7, 9)] })).toBe(5n);
  });

  test('is the start of a version whose beginning is not committed', () => {
    expect(watermarkOf(micros(2n), { committed: [of(3, 5)] })).toBe(2n);
  });
});

describe('missingOf', () => {
  test('is what is neither committed nor waits for a decision', () => {
    const coverage = { committed: [of(0, 3)], held: [held(of(5, 6))], approved: [] };
    expect(missingOf(of(0, 10), coverage)).toEqual([of(3, 5), of(6, 10)]);
  });

  test('keeps an approved range a part of its own, also where it replaces what is committed', () => {
    const coverage = { committed: [of(0, 3)], held: [], approved: [of(4, 5), of(1, 2)] };
    expect(missingOf(of(0, 10), coverage)).toEqual([of(1, 2), of(3, 4), of(4, 5), of(5, 10)]);
  });

  test('takes an approved range that is only partly asked for as any other', () => {
    const coverage = { committed: [of(0, 3)], held: [], approved: [of(8, 12)] };
    expect(missingOf(of(0, 10), coverage)).toEqual([of(3, 10)]);
  });
});
