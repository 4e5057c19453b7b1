import { expect, test } from 'vitest';
import { micros } from '../core/time.ts';
import { receiptClock } from './receipt-clock.ts';

test('it tells the time, later each time it is asked, also when the clock stands or goes back', () => {
  const times = [5n, 5n, 5n, 9n, 3n, 20n];
  const clock = receiptClock(() => micros(times.shift() ?? 0n));
  expect(Array.from({ length: 6 }, clock)).toEqual([5n, 6n, 7n, 9n, 10n, 20n]);
});
