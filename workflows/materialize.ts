import {
  condition,
  continueAsNew,
  defineQuery,
  defineUpdate,
  proxyActivities,
  setHandler,
  sleep,
} from '@temporalio/workflow';
import type { Activities } from '../activities/create-activities.ts';
import type {
  DecisionRequest,
  HeldChunk,
  MaterializeInput,
  PlannedChunk,
  TimeRange,
  ViewTarget,
  WorkProgress,
  WorkTotals,
} from '../src/orchestrate/contracts.ts';
import { failIfAny, NOTHING_DONE, type RunControl, runChunks } from './run-chunks.ts';

const { planChunks, decideHeld } = proxyActivities<Activities>({
  startToCloseTimeout: '10 minutes',
  retry: { initialInterval: '500 milliseconds', maximumInterval: '30 seconds', maximumAttempts: 20 },
});

/** Chunks per run before the history is started anew. */
const CHUNKS_PER_RUN = 100;

export const progress = defineQuery<WorkProgress>('progress');
export const approve = defineUpdate<readonly TimeRange[], [DecisionRequest]>('approve');
export const reject = defineUpdate<readonly TimeRange[], [DecisionRequest]>('reject');

/**
 * Asks the ledger for everything missing and due, and does it. A schedule's tick is only a clock: a skipped or
 * late one loses nothing. When quality rules hold a chunk the run waits for `approve` or `reject`.
 */
export async function materialize(input: MaterializeInput): Promise<WorkTotals> {
  const target: ViewTarget = { project: input.project, view: input.view, version: input.version };
  const restate = input.restate ?? false;
  let current: WorkProgress = {
    ...(input.carried ?? NOTHING_DONE),
    state: 'planning',
    chunksPlanned: 0,
    running: [],
  };
  let waiting: readonly HeldChunk[] = [];
  const approved: PlannedChunk[] = [];

  setHandler(progress, () => current);
  const decide = async (decision: 'approve' | 'reject', { by, range }: DecisionRequest) => {
    const concerned = waiting.filter(
      (held) => range === undefined || (range.start <= held.start && held.end <= range.end),
    );
    for (const { start, end } of concerned) {
      await decideHeld({ ...target, start, end, decision, by });
      if (decision === 'approve') approved.push({ start, end, intervals: 0 });
    }
    waiting = waiting.filter((held) => !concerned.includes(held));
    return concerned.map(({ start, end }) => ({ start, end }));
  };
  setHandler(approve, (request) => decide('approve', request));
  setHandler(reject, (request) => decide('reject', request));

  const control: RunControl = { paused: false, concurrency: 1 };
  const report = (next: WorkProgress) => {
    current = next;
  };
  if (input.waitMillis !== undefined && input.waitMillis > 0) await sleep(input.waitMillis);
  const { chunks, more } = await planChunks({
    ...target,
    ...(input.range && { range: input.range }),
    restate,
    order: 'oldest',
    limit: CHUNKS_PER_RUN,
  });
  let totals = await runChunks(target, chunks, restate, control, input.carried ?? NOTHING_DONE, report);

  const last = chunks.at(-1);
  const stuck = chunks.length > 0 && totals.failed.length >= chunks.length;
  if (more && last !== undefined && !stuck && totals.held.length === 0) {
    const rest = restate && input.range ? { range: { start: last.end, end: input.range.end } } : {};
    await continueAsNew<typeof materialize>({ ...input, ...rest, waitMillis: 0, carried: totals });
  }

  while (totals.held.length > 0) {
    waiting = totals.held;
    current = { ...totals, state: 'waiting for a decision', chunksPlanned: totals.chunksDone, running: [] };
    await condition(() => waiting.length === 0);
    const again = approved.splice(0);
    totals = await runChunks(target, again, restate, control, { ...totals, held: [] }, report);
  }
  current = { ...totals, state: 'finished', chunksPlanned: totals.chunksDone, running: [] };
  failIfAny(target, totals);
  return totals;
}
