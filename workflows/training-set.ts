import { defineQuery, proxyActivities, setHandler } from '@temporalio/workflow';
import type { Activities } from '../activities/create-activities.ts';
import type { TrainProgress, TrainResult } from '../src/orchestrate/contracts.ts';
import type { TrainingSetRequest } from '../src/training/training-set.ts';
import { LONG } from './activity-options.ts';

const { buildTrainingSet } = proxyActivities<Activities>({ ...LONG, startToCloseTimeout: '12 hours' });

/** Whether it is built. How far it is, the activity's heartbeats tell: see `buildProgress`. */
export const progress = defineQuery<TrainProgress>('progress');

/**
 * Builds a training set; one that is there already is returned. Its id is the set's own, so a set that is asked for
 * by several at once is built once. Cancelling stops the query that runs, and leaves nothing.
 */
export async function trainingSet(request: TrainingSetRequest): Promise<TrainResult> {
  let state: TrainProgress['state'] = 'building';
  setHandler(progress, () => ({ state }));
  const result = await buildTrainingSet(request);
  state = 'finished';
  return result;
}
