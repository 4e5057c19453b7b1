import { type MonitorDeps, type MonitorSummary, runMonitor } from '../src/monitor/run-monitor.ts';
import type { MonitorInput } from '../src/orchestrate/contracts.ts';
import { runActivity } from './run-activity.ts';

export function createMonitorActivities(deps: MonitorDeps) {
  return {
    /** Compares the views with what they promise, keeps the alerts in step, tells the sinks. */
    runMonitor: ({ project }: MonitorInput): Promise<MonitorSummary> =>
      runActivity(() => runMonitor(project, deps)),
  };
}
