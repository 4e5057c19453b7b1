import { defineQuery, proxyActivities, setHandler } from '@temporalio/workflow';
import type { Activities } from '../activities/create-activities.ts';
import type { TrainProgress, TrainResult } from '../src/orchestrate/contracts.ts';
import type { TrainingSetRequest } from '../src/training/training-set.ts';

const { buildTrainingSet } = proxyActivities<Activities>({
  startToCloseTimeout: '12 hours',
  heartbeatTimeout: '15 seconds',
  cancellationType: 'WAIT_CANCELLATION_COMPLETED',
  retry: { initialInterval: '500 milliseconds', maximumInterval: '30 seconds', maximumAttempts: 12 },
});

export const progress = defineQuery<TrainProgress>('progress');

/** Builds a training set; one that is there already is returned. */
export async function trainingSet(request: TrainingSetRequest): Promise<TrainResult> {
  let state: TrainProgress['state'] = 'building';
  setHandler(progress, () => ({ state }));
  const result = await buildTrainingSet(request);
  state = 'finished';
  return result;
}
