import { expect, test } from 'vitest';
import { type DurationMicros, durationOf, micros, timeOf } from '../../../core/time.ts';
import { relevantSlices } from './as-of-slices.ts';

const at = (hour: number, off = 0n) => micros(timeOf('2026-01-01') + BigInt(hour) * 3_600_000_000n + off);
const slice = (from: number, to: number) => ({
  path: `${from}-${to}`,
  revision: 0,
  range: { start: at(from), end: at(to) },
});
const slices = [slice(0, 1), slice(1, 2), slice(2, 3), slice(3, 4)];
const read = (first: bigint, last: bigint, ttl: string | null, delay: string = '0s') =>
  relevantSlices(
    { slices, ttl: ttl === null ? null : durationOf(ttl), dataDelay: durationOf(delay) as DurationMicros },
    { first: micros(first), last: micros(last) },
  ).map(({ path }) => path);

test('only slices between the first time less TTL and the last less delay are read, edges included', () => {
  expect(read(at(3), at(3), '1h')).toEqual(['1-2', '2-3', '3-4']);
  expect(read(at(3, 1n), at(3, 1n), '1h')).toEqual(['2-3', '3-4']);
  expect(read(at(3), at(3), '1h', '1h')).toEqual(['1-2', '2-3']);
  expect(read(at(2), at(2, -1n), null)).toEqual(['0-1', '1-2']);
  expect(read(at(-5), at(-4), null)).toEqual([]);
});

test('a slice without a range is always read', () => {
  const whole = [{ path: 'all', revision: 0 }];
  expect(
    relevantSlices(
      { slices: whole, ttl: durationOf('1h'), dataDelay: durationOf('0s') },
      { first: at(900), last: at(901) },
    ),
  ).toEqual(whole);
});

test('a label view reads the slices after the first time up to the last plus its horizon, edges included', () => {
  const labels = (first: bigint, last: bigint, horizon: string) =>
    relevantSlices(
      { slices, ttl: durationOf('9h'), dataDelay: durationOf('1h'), horizon: durationOf(horizon) },
      { first: micros(first), last: micros(last) },
    ).map(({ path }) => path);
  expect(labels(at(1, -1n), at(1, -1n), '1h')).toEqual(['0-1', '1-2']);
  expect(labels(at(1), at(1), '1h')).toEqual(['1-2', '2-3']);
  expect(labels(at(4), at(9), '1h')).toEqual([]);
});
