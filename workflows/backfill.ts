import { continueAsNew, defineQuery, defineSignal, proxyActivities, setHandler } from '@temporalio/workflow';
import type { Activities } from '../activities/create-activities.ts';
import type { BackfillInput, ViewTarget, WorkProgress, WorkTotals } from '../src/orchestrate/contracts.ts';
import { SHORT } from './activity-options.ts';
import { CHUNKS_PER_RUN, failIfAny, NOTHING_DONE, type RunControl, runChunks } from './run-chunks.ts';

const { planChunks } = proxyActivities<Activities>(SHORT);

export const progress = defineQuery<WorkProgress>('progress');
export const pause = defineSignal('pause');
export const resume = defineSignal('resume');
export const setConcurrency = defineSignal<[number]>('setConcurrency');

/**
 * Materializes past intervals of one view version: what is missing, or with `restate` all of the range. It shares
 * the ledger with scheduled runs and may overlap them. Cancelling stops the running chunks; what is committed stays.
 * Chunks that quality rules hold are listed in the result, and wait for a decision in the ledger.
 */
export async function backfill(input: BackfillInput): Promise<WorkTotals> {
  const target: ViewTarget = { project: input.project, view: input.view, version: input.version };
  const restate = input.restate ?? false;
  const order = input.order ?? 'oldest';
  const control: RunControl = { paused: input.paused ?? false, concurrency: bounded(input.concurrency ?? 1) };
  const carried = input.carried ?? NOTHING_DONE;
  let current: WorkProgress = {
    ...carried,
    state: 'planning',
    chunksPlanned: carried.chunksDone,
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
  const plan = await planChunks({
    ...target,
    ...(range && { range }),
    restate,
    order,
    limit: CHUNKS_PER_RUN,
  });
  const { totals, isStopped } = await runChunks(target, plan.chunks, restate, control, carried, (next) => {
    current = next;
  });
  if (plan.rest !== null && !isStopped) {
    const { concurrency, paused } = control;
    await continueAsNew<typeof backfill>({
      ...input,
      remaining: plan.rest,
      concurrency,
      paused,
      carried: totals,
    });
  }
  current = { ...totals, state: 'finished', chunksPlanned: totals.chunksDone, running: [] };
  failIfAny(target, totals);
  return totals;
}

function bounded(concurrency: number): number {
  return Number.isFinite(concurrency) ? Math.min(16, Math.max(1, Math.trunc(concurrency))) : 1;
}
