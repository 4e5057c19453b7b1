import { proxyActivities } from '@temporalio/workflow';
import type { Activities } from '../activities/create-activities.ts';
import type { MonitorSummary } from '../src/monitor/run-monitor.ts';
import type { MonitorInput } from '../src/orchestrate/contracts.ts';

const { runMonitor } = proxyActivities<Activities>({
  startToCloseTimeout: '5 minutes',
  heartbeatTimeout: '10 seconds',
  // The next tick looks again anyway.
  retry: { initialInterval: '1 second', maximumInterval: '10 seconds', maximumAttempts: 5 },
});

/** One look at a project's views, started by its schedule. Everything that lasts is kept in the registry. */
export async function monitor({ project }: MonitorInput): Promise<MonitorSummary> {
  return await runMonitor({ project });
}
