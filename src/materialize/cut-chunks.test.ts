import { expect, test } from 'vitest';
import type { Interval } from '../core/interval.ts';
import { scheduleOf } from '../core/schedule.ts';
import { formatTime, timeOf } from '../core/time.ts';
import { cutChunks } from './cut-chunks.ts';

const hour = (hour: number) => timeOf(new Date(Date.UTC(2026, 0, 1, hour)).toISOString());
const hours = (start: number, end: number): Interval => ({ start: hour(start), end: hour(end) });
const cut = (...missing: readonly Interval[]) => cutChunks(scheduleOf('0 * * * *'), hour(0), missing, 4);

test('chunks hold as many intervals as they may', () => {
  expect(cut(hours(0, 10))).toEqual([hours(0, 4), hours(4, 8), hours(8, 10)]);
});

test('what is left of an interrupted run is cut where the whole would have been', () => {
  expect(cut(hours(5, 10))).toEqual([hours(5, 8), hours(8, 10)]);
  expect(cut(hours(3, 4), hours(7, 13))).toEqual([hours(3, 4), hours(7, 8), hours(8, 12), hours(12, 13)]);
});

test('nothing missing is nothing to cut', () => {
  expect(cut()).toEqual([]);
});

test('uneven schedules are cut by their ticks, not by time', () => {
  const days = cutChunks(
    scheduleOf('0 0 1 * *'),
    hour(0),
    [{ start: hour(0), end: timeOf('2026-04-01T00:00:00Z') }],
    2,
  );
  expect(days.map(({ end }) => formatTime(end))).toEqual(['2026-03-01T00:00:00Z', '2026-04-01T00:00:00Z']);
});
