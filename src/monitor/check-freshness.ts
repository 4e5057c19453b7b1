import { formatViewVersion } from '../core/feature-view.ts';
import { formatInterval, type Interval } from '../core/interval.ts';
import { scheduleOf } from '../core/schedule.ts';
import { formatDuration, formatTime, type Micros } from '../core/time.ts';
import { countIntervals } from '../plan/count-intervals.ts';
import { assessFreshness } from './assess-freshness.ts';
import { completeUpTo } from './complete-up-to.ts';
import type { Details, Finding, ViewFindingKind } from './finding.ts';
import type { ViewCoverage } from './read-views.ts';
import { shortened } from './shortened.ts';

/** Ranges named in an alert: it is a pointer, not a log. */
const RANGES_SHOWN = 10;

const IDENTITY_PREFIX = {
  freshness_breached: 'freshness',
  interval_failed: 'failed',
  interval_held: 'held',
} as const satisfies Record<ViewFindingKind, string>;

/** What is wrong with the views at `now`: at most one finding of each kind per view version. */
export function checkFreshness(
  project: string,
  views: readonly ViewCoverage[],
  now: Micros,
): readonly Finding[] {
  return views.flatMap((view) =>
    [staleness(project, view, now), failures(project, view), holds(project, view)].filter(
      (finding) => finding !== undefined,
    ),
  );
}

function staleness(project: string, read: ViewCoverage, now: Micros): Finding | undefined {
  const { view } = read;
  const watermark = completeUpTo(read);
  const { state, age, sla, breachesAt } = assessFreshness(watermark, view.freshnessSla, now);
  if (state !== 'breached' || sla === null || breachesAt === null) return undefined;
  return findingOf(
    'freshness_breached',
    project,
    read,
    `${nameOf(read)} is ${formatDuration(age)} old and promised to be at most ${formatDuration(sla)}: ${reasonOf(read, formatTime(watermark))}.`,
    {
      watermark: formatTime(watermark),
      age: formatDuration(age),
      sla: formatDuration(sla),
      breachedAt: formatTime(breachesAt),
    },
  );
}

function reasonOf({ view, newestEvent }: ViewCoverage, watermark: string): string {
  if (view.stream !== true) return `its data is complete up to ${watermark}`;
  const hadEvents = newestEvent !== undefined && newestEvent !== null;
  return hadEvents
    ? `its newest event is of ${watermark}`
    : `no event has come since its start, ${watermark}`;
}

function failures(project: string, read: ViewCoverage): Finding | undefined {
  const failed = read.coverage.failed.toSorted((a, b) => (a.at < b.at ? 1 : a.at > b.at ? -1 : 0));
  const [newest] = failed;
  if (newest === undefined) return undefined;
  const count = intervalsIn(failed, read);
  return findingOf(
    'interval_failed',
    project,
    read,
    `${nameOf(read)} has ${intervals(count)} failed. The newest failure is of ${formatInterval(newest)}: ${shortened(newest.error)}`,
    {
      intervals: count,
      ranges: failed
        .slice(0, RANGES_SHOWN)
        .map((range) => ({ ...ends(range), error: shortened(range.error), at: formatTime(range.at) })),
    },
  );
}

function holds(project: string, read: ViewCoverage): Finding | undefined {
  const { held } = read.coverage;
  const [first] = held;
  if (first === undefined) return undefined;
  const count = intervalsIn(held, read);
  return findingOf(
    'interval_held',
    project,
    read,
    `${nameOf(read)} waits for a decision on ${intervals(count)}. The first is ${formatInterval(first)}: ${shortened(first.reason)}`,
    {
      intervals: count,
      ranges: held.slice(0, RANGES_SHOWN).map((range) => ({
        ...ends(range),
        reason: shortened(range.reason),
        since: formatTime(range.since),
      })),
    },
  );
}

function findingOf(
  kind: ViewFindingKind,
  project: string,
  read: ViewCoverage,
  summary: string,
  details: Details,
): Finding {
  return {
    identity: `${IDENTITY_PREFIX[kind]}/${project}/${nameOf(read)}`,
    kind,
    project,
    view: read.view.name,
    version: read.view.version,
    severity: read.serving ? 'critical' : 'warning',
    summary,
    details,
  };
}

function nameOf({ view }: ViewCoverage): string {
  return formatViewVersion({ view: view.name, version: view.version });
}

function intervalsIn(ranges: readonly Interval[], { view }: ViewCoverage): number {
  const schedule = scheduleOf(view.schedule);
  return ranges.reduce((total, range) => total + countIntervals(schedule, range), 0);
}

function intervals(count: number): string {
  return count === 1 ? '1 interval' : `${count} intervals`;
}

function ends({ start, end }: Interval): { readonly start: string; readonly end: string } {
  return { start: formatTime(start), end: formatTime(end) };
}
