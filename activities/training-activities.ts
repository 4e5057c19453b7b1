import type { TrainResult } from '../src/orchestrate/contracts.ts';
import { buildTrainingSet } from '../src/training/build-training-set.ts';
import type { TrainingSetRequest } from '../src/training/training-set.ts';
import type { ActivityDeps } from './activity-deps.ts';
import { runActivity } from './run-activity.ts';

export function createTrainingActivities(deps: ActivityDeps) {
  return {
    /** Joins and writes a training set, or finds it made. */
    buildTrainingSet: (request: TrainingSetRequest): Promise<TrainResult> =>
      runActivity(async ({ signal, report }) => {
        // Without the manifest, which may be large: it lies beside the data.
        const { manifest: _, ...result } = await buildTrainingSet(request, deps, {
          signal,
          onProgress: report,
        });
        return result;
      }),
  };
}
