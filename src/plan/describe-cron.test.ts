import { expect, test } from 'vitest';
import { describeCron } from './describe-cron.ts';

test.each([
  ['* * * * *', 'every minute'],
  ['*/15 * * * *', 'every 15 minutes'],
  ['0 * * * *', 'hourly'],
  ['5 * * * *', 'hourly at :05'],
  ['0 */6 * * *', 'every 6 hours'],
  ['30 3 * * *', 'daily at 03:30'],
  ['0 3 * * 1', 'cron 0 3 * * 1'],
  ['0,30 * * * *', 'cron 0,30 * * * *'],
  ['0 1-5 * * *', 'cron 0 1-5 * * *'],
])('%s is told as %s', (cron, words) => {
  expect(describeCron(cron)).toBe(words);
});
