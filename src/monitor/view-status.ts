import { formatViewVersion } from '../core/feature-view.ts';
import type { Interval } from '../core/interval.ts';
import { scheduleOf } from '../core/schedule.ts';
import {
  addDuration,
  type Clock,
  durationOf,
  formatTime,
  latest,
  type Micros,
  micros,
  subtractDuration,
} from '../core/time.ts';
import { missingOf, watermarkOf } from '../ledger/watermark.ts';
import { dueRange, firstTick } from '../materialize/due-range.ts';
import { countIntervals } from '../plan/count-intervals.ts';
import { assessFreshness, type FreshnessStanding } from './assess-freshness.ts';
import { completeUpTo } from './complete-up-to.ts';
import { type ReadViewsDeps, readViews, type ViewCoverage } from './read-views.ts';

/** One line of `tidemark status`, ready for JSON: times are ISO text, lengths of time are seconds. */
export interface ViewStatus {
  /** `user_activity@v1`. */
  readonly view: string;
  readonly serving: boolean;
  readonly watermark: string;
  readonly freshness: FreshnessStanding;
  readonly ageSeconds: number;
  readonly slaSeconds: number | null;
  /** When the SLA is (or was) breached if the watermark does not move. */
  readonly breachesAt: string | null;
  /** The end of the next interval. */
  readonly nextTick: string;
  /** When that will be computed: one data delay later. Null when the view is paused. */
  readonly nextRunAt: string | null;
  /** Intervals that are due and neither committed nor held. */
  readonly missingIntervals: number;
  readonly runningIntervals: number;
  readonly heldIntervals: number;
  readonly failedIntervals: number;
}

/** How each version of the batch views stands now; UNKNOWN_PROJECT before the first apply. */
export async function viewStatuses(
  project: string,
  deps: ReadViewsDeps & { readonly clock: Clock },
): Promise<readonly ViewStatus[]> {
  const views = await readViews(project, deps);
  const now = deps.clock();
  return views.map((view) => viewStatus(view, now));
}

/** The status of one version whose coverage was just read. */
export function viewStatus(read: ViewCoverage, now: Micros): ViewStatus {
  const { view, coverage, serving } = read;
  const watermark = watermarkOf(firstTick(view), coverage);
  const { state, age, sla, breachesAt } = assessFreshness(completeUpTo(read), view.freshnessSla, now);
  const schedule = scheduleOf(view.schedule);
  const count = (ranges: readonly Interval[]) =>
    ranges.reduce((total, range) => total + countIntervals(schedule, range), 0);
  const due = dueRange(view, now);
  const delay = durationOf(view.dataDelay);
  // The first interval ends at the second tick; an interval is done with when its delay has passed too.
  const passed = latest(firstTick(view), subtractDuration(now, delay));
  const nextTick = schedule.ceil(micros(passed + 1n));
  return {
    view: formatViewVersion({ view: view.name, version: view.version }),
    serving,
    watermark: formatTime(watermark),
    freshness: state,
    ageSeconds: seconds(age),
    slaSeconds: sla === null ? null : seconds(sla),
    breachesAt: breachesAt === null ? null : formatTime(breachesAt),
    nextTick: formatTime(nextTick),
    nextRunAt: view.paused ? null : formatTime(addDuration(nextTick, delay)),
    missingIntervals: due === undefined ? 0 : count(missingOf(due, coverage)),
    runningIntervals: count(coverage.running),
    heldIntervals: count(coverage.held),
    failedIntervals: count(coverage.failed),
  };
}

function seconds(duration: bigint): number {
  return Number(duration / 1_000_000n);
}
