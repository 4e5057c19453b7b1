import type { BatchViewSpec } from '../core/feature-view.ts';
import type { Interval } from '../core/interval.ts';
import { scheduleOf, wholeIntervals } from '../core/schedule.ts';
import { durationOf, type Micros, subtractDuration, timeOf } from '../core/time.ts';

/** All intervals of a view that are due: from its first tick to the last tick whose data is complete at `now`. */
export function dueRange(view: BatchViewSpec, now: Micros): Interval | undefined {
  const end = subtractDuration(now, durationOf(view.dataDelay));
  const start = timeOf(view.startTime);
  return end <= start ? undefined : wholeIntervals(scheduleOf(view.schedule), { start, end });
}

/** Where a view's first interval begins. */
export function firstTick(view: BatchViewSpec): Micros {
  return scheduleOf(view.schedule).ceil(timeOf(view.startTime));
}
