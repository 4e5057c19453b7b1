import {
  allHandlersFinished,
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
import { SHORT } from './activity-options.ts';
import { CHUNKS_PER_RUN, failIfAny, NOTHING_DONE, type RunControl, runChunks } from './run-chunks.ts';

const { planChunks, decideHeld } = proxyActivities<Activities>(SHORT);

/**
 * How often a run that waits for a decision looks what has become due meanwhile, and whether somebody else has
 * decided: its schedule does not start another one beside it.
 */
const LOOK_AGAIN = '2 minutes';

export const progress = defineQuery<WorkProgress>('progress');
export const approve = defineUpdate<readonly TimeRange[], [DecisionRequest]>('approve');
export const reject = defineUpdate<readonly TimeRange[], [DecisionRequest]>('reject');

/**
 * Asks the ledger for everything missing and due, and does it. A schedule's tick is only a clock: a skipped or
 * late one loses nothing. While quality rules hold something the run waits for `approve` or `reject`.
 */
export async function materialize(input: MaterializeInput): Promise<WorkTotals> {
  const target: ViewTarget = { project: input.project, view: input.view, version: input.version };
  const restate = input.restate ?? false;
  const carried = input.carried ?? NOTHING_DONE;
  let current: WorkProgress = {
    ...carried,
    state: 'planning',
    chunksPlanned: carried.chunksDone,
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
  const plan = await planChunks({
    ...target,
    ...(input.range && { range: input.range }),
    restate,
    order: 'oldest',
    limit: CHUNKS_PER_RUN,
  });
  const first = await runChunks(target, plan.chunks, restate, control, carried, report);
  const { isStopped } = first;
  let { totals } = first;
  const goOn = async (): Promise<never> => {
    await condition(allHandlersFinished);
    const hasRest = plan.rest !== null && !isStopped;
    return await continueAsNew<typeof materialize>({
      ...input,
      ...(hasRest ? { range: plan.rest } : { restate: false }),
      waitMillis: 0,
      // What failed is planned again, unless it lies behind or is no longer asked for.
      carried: { ...totals, held: [], failed: hasRest || restate ? totals.failed : [] },
    });
  };

  waiting = [...plan.held, ...totals.held];
  while (waiting.length > 0) {
    totals = { ...totals, held: waiting };
    current = {
      ...totals,
      state: 'waiting for a decision',
      chunksPlanned: totals.chunksDone,
      running: [],
    };
    const isDecided = await condition(() => approved.length > 0 || waiting.length === 0, LOOK_AGAIN);
    if (!isDecided) await goOn();
    const carriedOn = { ...totals, held: [] };
    ({ totals } = await runChunks(target, approved.splice(0), false, control, carriedOn, report));
    waiting = [...waiting, ...totals.held];
  }
  totals = { ...totals, held: [] };
  if (plan.rest !== null && !isStopped) await goOn();
  await condition(allHandlersFinished);
  current = { ...totals, state: 'finished', chunksPlanned: totals.chunksDone, running: [] };
  failIfAny(target, totals);
  return totals;
}
