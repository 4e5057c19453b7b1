import {
  ApplicationFailure,
  CancellationScope,
  CancelledFailure,
  condition,
  isCancellation,
  proxyActivities,
} from '@temporalio/workflow';
import type { Activities } from '../activities/create-activities.ts';
import type {
  ChunkResult,
  PlannedChunk,
  TimeRange,
  ViewTarget,
  WorkProgress,
  WorkTotals,
} from '../src/orchestrate/contracts.ts';
import { LONG } from './activity-options.ts';
import { failureOf } from './failure-of.ts';

const { materializeChunk } = proxyActivities<Activities>(LONG);

/** Chunks per run before the history is started anew. */
export const CHUNKS_PER_RUN = 100;

/** With so many failed or held, something is wrong with the view or its source, and more of it helps nobody. */
const STOP_AFTER = 20;

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

export interface ChunksRun {
  readonly totals: WorkTotals;
  /** Whether chunks were left out because too many failed or were held. */
  readonly isStopped: boolean;
}

/**
 * Runs chunks, `control.concurrency` at once, in their order. A chunk that fails for good does not stop the
 * others: it is listed, and the caller decides what that means. Cancelling stops the running chunks and waits for
 * them, then throws.
 */
export async function runChunks(
  target: ViewTarget,
  chunks: readonly PlannedChunk[],
  restate: boolean,
  control: RunControl,
  carried: WorkTotals,
  report: (progress: WorkProgress) => void,
): Promise<ChunksRun> {
  let totals = carried;
  const running = new Set<TimeRange>();
  const publishProgress = () => {
    report({
      ...totals,
      state: 'running',
      chunksPlanned: carried.chunksDone + chunks.length,
      running: [...running].map(({ start, end }) => ({ start, end })),
    });
  };
  const runOne = async (chunk: PlannedChunk): Promise<void> => {
    const { start, end } = chunk;
    running.add(chunk);
    publishProgress();
    try {
      const result = await materializeChunk({ ...target, start, end, restate: chunk.restate ?? restate });
      // Not in one expression: what other chunks add while this one runs would be lost.
      totals = addResult(totals, chunk, result);
    } catch (error) {
      if (isCancellation(error)) throw error;
      // Its worker died before it could say that it had stopped.
      if (CancellationScope.current().consideredCancelled) throw new CancelledFailure('Cancelled.');
      totals = { ...totals, failed: [...totals.failed, { start, end, ...failureOf(error) }] };
    } finally {
      running.delete(chunk);
    }
    totals = { ...totals, chunksDone: totals.chunksDone + 1 };
    publishProgress();
  };

  publishProgress();
  const pool = new Set<Promise<void>>();
  let started = 0;
  let cancelled: unknown;
  const isHopeless = () => totals.failed.length + totals.held.length >= STOP_AFTER;
  const isNext = () => !control.paused && pool.size < control.concurrency;
  try {
    for (const chunk of chunks) {
      await condition(() => cancelled !== undefined || isHopeless() || isNext());
      if (cancelled !== undefined || isHopeless()) break;
      started += 1;
      const task = runOne(chunk).catch((error: unknown) => {
        cancelled ??= error;
      });
      pool.add(task);
      void task.then(() => pool.delete(task));
    }
  } catch (error) {
    // Cancelled while paused, or while all places were taken.
    cancelled ??= error;
  }
  await Promise.all(pool);
  if (cancelled !== undefined) throw cancelled;
  return { totals, isStopped: started < chunks.length };
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

/** Ends a run that had failures with one error that tells how many and the first. */
export function failIfAny(target: ViewTarget, totals: WorkTotals): void {
  const [first] = totals.failed;
  if (first === undefined) return;
  throw ApplicationFailure.create({
    type: first.code,
    nonRetryable: true,
    message: `${totals.failed.length} of ${totals.chunksDone} chunks of ${target.view}@v${target.version} failed; the first, ${first.start} to ${first.end}: ${first.message}`,
  });
}
