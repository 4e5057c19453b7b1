import { continueAsNew, defineQuery, defineSignal, proxyActivities, setHandler } from '@temporalio/workflow';
import type { Activities } from '../activities/create-activities.ts';
import type { BackfillInput, ViewTarget, WorkProgress, WorkTotals } from '../src/orchestrate/contracts.ts';
import { failIfAny, NOTHING_DONE, type RunControl, runChunks } from './run-chunks.ts';

const { planChunks } = proxyActivities<Activities>({
  startToCloseTimeout: '10 minutes',
  retry: { initialInterval: '500 milliseconds', maximumInterval: '30 seconds', maximumAttempts: 20 },
});

const CHUNKS_PER_RUN = 100;

export const progress = defineQuery<WorkProgress>('progress');
export const pause = defineSignal('pause');
export const resume = defineSignal('resume');
export const setConcurrency = defineSignal<[number]>('setConcurrency');

/**
 * Materializes past intervals of one view version: what is missing, or with `restate` all of the range. It shares
 * the ledger with scheduled runs and may overlap them. Cancelling the workflow stops it between two commits.
 */
export async function backfill(input: BackfillInput): Promise<WorkTotals> {
  const target: ViewTarget = { project: input.project, view: input.view, version: input.version };
  const restate = input.restate ?? false;
  const order = input.order ?? 'oldest';
  const control: RunControl = { paused: input.paused ?? false, concurrency: bounded(input.concurrency ?? 1) };
  let current: WorkProgress = {
    ...(input.carried ?? NOTHING_DONE),
    state: 'planning',
    chunksPlanned: 0,
    running: [],
  };
  setHandler(progress, () => ({ ...current, state: control.paused ? 'paused' : current.state }));
  setHandler(pause, () => {
    control.paused = true;
  });
  setHandler(resume, () => {
    control.paused = false;
  });
  setHandler(setConcurrency, (concurrency) => {
    control.concurrency = bounded(concurrency);
  });

  const range = input.remaining ?? input.range;
  const { chunks, more } = await planChunks({
    ...target,
    ...(range && { range }),
    restate,
    order,
    limit: CHUNKS_PER_RUN,
  });
  const totals = await runChunks(target, chunks, restate, control, input.carried ?? NOTHING_DONE, (next) => {
    current = next;
  });

  const last = chunks.at(-1);
  if (more && last !== undefined) {
    // Committed work is no longer missing; restated work has to be left behind by its range. Failed chunks stay
    // missing, so a run in which nothing succeeded would go round for ever.
    if (totals.failed.length < chunks.length) {
      const remaining = restate && range ? leftOf(range, last, order) : undefined;
      const { concurrency, paused } = control;
      await continueAsNew<typeof backfill>({
        ...input,
        ...(remaining && { remaining }),
        concurrency,
        paused,
        carried: totals,
      });
    }
  }
  current = { ...totals, state: 'finished', chunksPlanned: totals.chunksDone, running: [] };
  failIfAny(target, totals);
  return totals;
}

function leftOf(
  range: { start: string; end: string },
  last: { start: string; end: string },
  order: 'oldest' | 'newest',
) {
  return order === 'oldest' ? { start: last.end, end: range.end } : { start: range.start, end: last.start };
}

function bounded(concurrency: number): number {
  return Math.min(16, Math.max(1, Math.trunc(concurrency)));
}
