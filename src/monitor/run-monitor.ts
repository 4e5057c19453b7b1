import { durationOf } from '../core/time.ts';
import type { UnreadableSegments } from '../push/unreadable-segments.ts';
import { appliedManifest } from '../registry/applied-manifest.ts';
import { checkFreshness } from './check-freshness.ts';
import { checkPushedRows } from './check-pushed-rows.ts';
import { checkTrainingSets } from './check-training-sets.ts';
import { type DeliverDeps, deliverAlerts } from './deliver-alerts.ts';
import { type ReadViewsDeps, readViews } from './read-views.ts';

/** How long after it was last told an alert that is still open is told again. */
const REPEAT_EVERY = durationOf('4h');

export type MonitorDeps = ReadViewsDeps &
  DeliverDeps & { readonly unreadable: Pick<UnreadableSegments, 'of'> };

export interface MonitorSummary {
  /** View versions looked at. */
  readonly checked: number;
  /** Alerts open afterwards. */
  readonly open: number;
  readonly opened: number;
  readonly resolved: number;
  readonly delivered: number;
  readonly failedDeliveries: number;
}

/** One look at a project: finds what is wrong, keeps its alerts in step, and tells the sinks. May run twice. */
export async function runMonitor(project: string, deps: MonitorDeps): Promise<MonitorSummary> {
  const now = deps.clock();
  const views = await readViews(project, deps);
  const { trainingSetSchedules } = await appliedManifest(deps.registry, project);
  const sets = await deps.registry.lastScheduledSets(project);
  const { opened, resolved, open } = await deps.alerts.reconcile({
    project,
    findings: [
      ...checkFreshness(project, views, now),
      ...checkTrainingSets(project, trainingSetSchedules, sets),
      ...checkPushedRows(project, await deps.unreadable.of(project)),
    ],
    sinks: deps.sinks.map(({ name }) => name),
    repeatEvery: REPEAT_EVERY,
    now,
  });
  return { checked: views.length, open, opened, resolved, ...(await deliverAlerts(project, deps)) };
}
