import { expect, test } from 'vitest';
import { featureRow } from '../../test/conformance/online-rows.ts';
import { isExpired } from './is-expired.ts';
import { type DurationMicros, micros } from './time.ts';

const ttl = 10n as DurationMicros;
const expired = (validTo: bigint | null | undefined, now: bigint, age: DurationMicros | null = null) =>
  isExpired(
    featureRow([], [], { event: 100n, ...(validTo === undefined ? {} : { validTo }) }),
    age,
    micros(now),
  );

test('a row is true before the microsecond in which it ends, and not in it', () => {
  expect(expired(150n, 149n)).toBe(false);
  expect(expired(150n, 150n)).toBe(true);
  expect(expired(150n, 151n)).toBe(true);
});

test('a row without end, or of a view without ends, is past its time by its age alone', () => {
  for (const open of [null, undefined]) {
    expect(expired(open, 2n ** 62n)).toBe(false);
    expect(expired(open, 110n, ttl)).toBe(false);
    expect(expired(open, 111n, ttl)).toBe(true);
  }
});

test('whatever comes first, age or end, ends it', () => {
  expect(expired(105n, 104n, ttl)).toBe(false);
  expect(expired(105n, 105n, ttl)).toBe(true);
  expect(expired(500n, 111n, ttl)).toBe(true);
});
