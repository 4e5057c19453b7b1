import fc from 'fast-check';
import { expect, test } from 'vitest';
import { scheduleOf } from '../core/schedule.ts';
import { timeOf } from '../core/time.ts';
import { countIntervals } from './count-intervals.ts';

test('intervals are counted without a gap or a double where the count is cut', () => {
  const counted = (cron: string, start: string, end: string) =>
    countIntervals(scheduleOf(cron), { start: timeOf(start), end: timeOf(end) });
  expect(counted('0 * * * *', '2026-01-01', '2026-01-02')).toBe(24);
  expect(counted('* * * * *', '2026-01-01', '2027-01-01')).toBe(365 * 1440);
  expect(counted('0 9 * * 1', '2026-01-05T09:00:00Z', '2026-12-28T09:00:00Z')).toBe(51);
});

test('any range of ticks holds one interval fewer than ticks', () => {
  fc.assert(
    fc.property(
      fc.constantFrom('0 */6 * * *', '30 2 * * *', '0 0 1 * *', '15 4 * * 1-5'),
      fc.integer({ min: 0, max: 400 }),
      fc.integer({ min: 1, max: 400 }),
      (cron, from, days) => {
        const schedule = scheduleOf(cron);
        const day = 86_400_000_000n;
        const start = schedule.ceil((timeOf('2025-01-01') + BigInt(from) * day) as never);
        const end = schedule.ceil((start + BigInt(days) * day) as never);
        expect(countIntervals(schedule, { start, end })).toBe(schedule.ticks(start, end).length - 1);
      },
    ),
    { numRuns: 50 },
  );
});
