import type { Client, ScheduleHandle } from '@temporalio/client';
import { expect } from 'vitest';

/** A run that a schedule has started, and that has ended. */
export interface FiredRun<Result> {
  /** The time that the schedule meant. */
  readonly at: Date;
  readonly result: Result;
}

/**
 * Has a schedule fire (`fire` asks it to), waits until the runs that it starts have ended, at least `count`, and
 * returns them in their order. One that fails is the error.
 *
 * What a run leaves is seen a moment before the run ends. A tick that is asked for again in that moment is dropped
 * without a word, for its workflow runs; and a schedule that lets its runs overlap keeps no list of those that run.
 */
export async function firedRuns<Result>(
  { workflow }: Client,
  schedule: ScheduleHandle,
  fire: () => Promise<void>,
  count = 1,
): Promise<readonly FiredRun<Result>[]> {
  const { numActionsTaken: before } = (await schedule.describe()).info;
  const started = async () => {
    const { numActionsTaken, recentActions } = (await schedule.describe()).info;
    return recentActions.slice(Math.max(0, recentActions.length - (numActionsTaken - before)));
  };
  await fire();
  await expect
    .poll(async () => (await started()).length, { timeout: 60_000, interval: 50 })
    .toBeGreaterThanOrEqual(count);
  const ended = (await started()).map(async ({ scheduledAt, action: { workflow: run } }) => ({
    at: scheduledAt,
    result: (await workflow.getHandle(run.workflowId, run.firstExecutionRunId).result()) as Result,
  }));
  return await Promise.all(ended);
}
