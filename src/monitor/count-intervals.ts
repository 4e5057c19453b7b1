import type { Interval } from '../core/interval.ts';
import { scheduleOf } from '../core/schedule.ts';

/** How many whole intervals of a cron expression lie in `ranges`; no list of them is made where none is needed. */
export function countIntervals(cron: string, ranges: readonly Interval[]): number {
  const schedule = scheduleOf(cron);
  const { fixed } = schedule;
  return ranges.reduce((total, { start, end }) => {
    if (fixed === null) return total + Math.max(0, schedule.ticks(start, end).length - 1);
    const first = schedule.ceil(start);
    const last = schedule.floor(end);
    return total + (first < last ? Number((last - first) / fixed.period) : 0);
  }, 0);
}
