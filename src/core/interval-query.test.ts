import { expect, test } from 'vitest';
import { withInterval } from './interval-query.ts';
import { timeOf } from './time.ts';

const interval = { start: timeOf('2026-01-01'), end: timeOf('2026-01-02T00:00:00.000001Z') };

test('the ends of the interval stand where the parameters stood', () => {
  expect(withInterval('at >= $interval_start AND at < $interval_end', interval)).toBe(
    "at >= (TIMESTAMP '2026-01-01 00:00:00') AND at < (TIMESTAMP '2026-01-02 00:00:00.000001')",
  );
  expect(withInterval('$INTERVAL_END::date', interval)).toBe(
    "(TIMESTAMP '2026-01-02 00:00:00.000001')::date",
  );
});

test.each([
  "SELECT 'it''s $interval_start'",
  'SELECT 1 AS "a""$interval_end"',
  'SELECT 1 -- $interval_start',
  'SELECT /* $interval_start\n */ 1',
  'SELECT $interval_starts, $other',
])('%s has no parameter to fill in', (query) => {
  expect(withInterval(query, interval)).toBe(query);
});
