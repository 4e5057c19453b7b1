import { type MonitorSummary, runMonitor } from '../src/monitor/run-monitor.ts';
import type { MonitorInput } from '../src/orchestrate/contracts.ts';
import type { ActivityDeps } from './activity-deps.ts';
import { runActivity } from './run-activity.ts';

export function createMonitorActivities(deps: ActivityDeps) {
  return {
    /** Compares the views with what they promise, keeps the alerts in step, tells the sinks. */
    runMonitor: ({ project }: MonitorInput): Promise<MonitorSummary> =>
      runActivity(() => runMonitor(project, deps)),
  };
}
