import { CancellationScope, executeChild, proxyActivities, sleep, workflowInfo } from '@temporalio/workflow';
import type { Activities } from '../activities/create-activities.ts';
import type {
  PlannedScheduledSet,
  ScheduledSetOutcome,
  ScheduledTrainingSetInput,
  TrainResult,
} from '../src/orchestrate/contracts.ts';
import { LONG, SHORT } from './activity-options.ts';
import { failureOf } from './failure-of.ts';
import { trainingSet } from './training-set.ts';

const { planScheduledSet } = proxyActivities<Activities>(LONG);
const { recordScheduledSet } = proxyActivities<Activities>(SHORT);

/** While somebody else builds the very set: how often it is looked whether they are done. */
const FIRST_LOOK_SECONDS = 1;
const LAST_LOOK_SECONDS = 300;

/**
 * Builds the training set of one tick of a schedule, and records what became of it. The tick is the time that the
 * schedule meant, however late the run starts, so a run that is repeated or made up for asks for the same rows.
 */
export async function scheduledTrainingSet({
  project,
  schedule,
  waitMillis,
}: ScheduledTrainingSetInput): Promise<TrainResult> {
  const meant = meantTime();
  let tick = meant.toISOString();
  const record = (outcome: ScheduledSetOutcome) =>
    CancellationScope.nonCancellable(() => recordScheduledSet({ project, schedule, tick, outcome }));
  try {
    const wait = meant.getTime() + waitMillis - Date.now();
    if (wait > 0) await sleep(wait);
    const plan = await planScheduledSet({ project, schedule, at: tick });
    tick = plan.tick;
    const result = await build(plan);
    const { id, rows, reused } = result;
    await record({ kind: 'built', id, rows, reused });
    return result;
  } catch (error) {
    await record({ kind: 'failed', ...failureOf(error) });
    throw error;
  }
}

/** In the workflow that everybody else would ask for this set with; one of that id that runs is waited for. */
async function build({ id, request }: PlannedScheduledSet): Promise<TrainResult> {
  for (let seconds = FIRST_LOOK_SECONDS; ; seconds = Math.min(2 * seconds, LAST_LOOK_SECONDS)) {
    try {
      return await executeChild<typeof trainingSet>(trainingSet, {
        workflowId: `training-set/${id}`,
        args: [request],
        parentClosePolicy: 'REQUEST_CANCEL',
      });
    } catch (error) {
      if (!(error instanceof Error) || error.name !== 'WorkflowExecutionAlreadyStartedError') throw error;
      await sleep(seconds * 1000);
    }
  }
}

/** The schedule's nominal time; of a run that was started otherwise, its start. */
function meantTime(): Date {
  const { typedSearchAttributes, startTime } = workflowInfo();
  const meant = typedSearchAttributes.getAll().find(({ key }) => key.name === 'TemporalScheduledStartTime');
  return meant?.value instanceof Date ? meant.value : startTime;
}
