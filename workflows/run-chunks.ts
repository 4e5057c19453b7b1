import {
  ActivityFailure,
  ApplicationFailure,
  CancellationScope,
  condition,
  isCancellation,
  proxyActivities,
} from '@temporalio/workflow';
import type { Activities } from '../activities/create-activities.ts';
import type {
  ChunkResult,
  FailedChunk,
  PlannedChunk,
  TimeRange,
  ViewTarget,
  WorkProgress,
  WorkTotals,
} from '../src/orchestrate/contracts.ts';

const { materializeChunk } = proxyActivities<Activities>({
  startToCloseTimeout: '6 hours',
  heartbeatTimeout: '15 seconds',
  cancellationType: 'WAIT_CANCELLATION_COMPLETED',
  retry: {
    initialInterval: '500 milliseconds',
    backoffCoefficient: 2,
    maximumInterval: '30 seconds',
    maximumAttempts: 12,
  },
});

export const NOTHING_DONE: WorkTotals = {
  chunksDone: 0,
  intervals: 0,
  rows: 0,
  bytes: 0,
  published: 0,
  held: [],
  failed: [],
};

/** What a run of chunks may be told while it runs. */
export interface RunControl {
  paused: boolean;
  concurrency: number;
}

/**
 * Runs chunks, `control.concurrency` at once, in their order. A chunk that fails for good does not stop the
 * others: it is listed, and the caller decides what that means. Cancelling stops the running chunks.
 */
export async function runChunks(
  target: ViewTarget,
  chunks: readonly PlannedChunk[],
  restate: boolean,
  control: RunControl,
  carried: WorkTotals,
  report: (progress: WorkProgress) => void,
): Promise<WorkTotals> {
  // What failed in an earlier run of this workflow and is tried again is no longer a failure.
  const again = new Set(chunks.map(({ start }) => start));
  let totals: WorkTotals = { ...carried, failed: carried.failed.filter(({ start }) => !again.has(start)) };
  let next = 0;
  const running = new Set<TimeRange>();
  const publishProgress = () => {
    report({
      ...totals,
      state: control.paused ? 'paused' : 'running',
      chunksPlanned: carried.chunksDone + chunks.length,
      running: [...running].map(({ start, end }) => ({ start, end })),
    });
  };

  const runOne = async (chunk: PlannedChunk): Promise<void> => {
    running.add(chunk);
    publishProgress();
    const { start, end } = chunk;
    try {
      totals = addResult(totals, chunk, await materializeChunk({ ...target, start, end, restate }));
    } catch (error) {
      if (isCancellation(error)) throw error;
      totals = { ...totals, failed: [...totals.failed, { start, end, ...failureOf(error) }] };
    } finally {
      running.delete(chunk);
    }
    totals = { ...totals, chunksDone: totals.chunksDone + 1 };
    publishProgress();
  };

  publishProgress();
  const pool = new Set<Promise<void>>();
  let cancelled: unknown;
  await CancellationScope.cancellable(async () => {
    while (next < chunks.length && cancelled === undefined) {
      await condition(() => cancelled !== undefined || (!control.paused && pool.size < control.concurrency));
      const chunk = chunks[next];
      if (cancelled !== undefined || chunk === undefined) break;
      next += 1;
      const task = runOne(chunk).catch((error: unknown) => {
        cancelled ??= error;
      });
      pool.add(task);
      void task.then(() => pool.delete(task));
    }
    await Promise.all(pool);
  });
  if (cancelled !== undefined) throw cancelled;
  return totals;
}

function addResult(totals: WorkTotals, chunk: PlannedChunk, result: ChunkResult): WorkTotals {
  const { start, end } = chunk;
  switch (result.kind) {
    case 'skipped':
      return totals;
    case 'held':
      return { ...totals, held: [...totals.held, { start, end, reason: result.reason }] };
    case 'materialized':
      return {
        ...totals,
        intervals: totals.intervals + chunk.intervals,
        rows: totals.rows + result.rows,
        bytes: totals.bytes + result.bytes,
        published: totals.published + result.published,
      };
  }
}

function failureOf(error: unknown): Pick<FailedChunk, 'code' | 'message'> {
  const cause = error instanceof ActivityFailure ? error.cause : error;
  if (cause instanceof ApplicationFailure) return { code: cause.type ?? 'INTERNAL', message: cause.message };
  return { code: 'INTERNAL', message: cause instanceof Error ? cause.message : String(cause) };
}

/** Ends a run that had failures with one error that lists them. */
export function failIfAny(target: ViewTarget, totals: WorkTotals): void {
  const [first] = totals.failed;
  if (first === undefined) return;
  throw ApplicationFailure.create({
    type: first.code,
    nonRetryable: true,
    message: `${totals.failed.length} of ${totals.chunksDone} chunks of ${target.view}@v${target.version} failed; the first, ${first.start} to ${first.end}: ${first.message}`,
  });
}
