import type { Interval } from '../core/interval.ts';
import type { Schedule } from '../core/schedule.ts';
import { micros } from '../core/time.ts';

/** Ticks of a minutely schedule in thirty days: what is held in memory at a time. */
const STEP = 30n * 86_400_000_000n;

/** How many intervals of `schedule` a range holds that begins and ends on ticks. */
export function countIntervals(schedule: Schedule, { start, end }: Interval): number {
  if (schedule.fixed !== null) return Number((end - start) / schedule.fixed.period);
  let count = 0;
  for (let from: bigint = start; from < end; from += STEP) {
    const to = from + STEP < end ? from + STEP : end;
    // Each interval is counted by the tick at its start.
    count += schedule.ticks(micros(from), micros(to - 1n)).length;
  }
  return count;
}
