import { expect, test } from 'vitest';
import { formatDuration } from '../core/time.ts';
import { retryDelay } from './deliver-alerts.ts';

test('retries wait twice as long each time, up to ten minutes', () => {
  expect([1, 2, 3, 4, 5, 6, 7, 1000].map((attempts) => formatDuration(retryDelay(attempts)))).toEqual([
    '30s',
    '1m',
    '2m',
    '4m',
    '8m',
    '10m',
    '10m',
    '10m',
  ]);
});
