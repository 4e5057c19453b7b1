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
        const { id, path, rows, parts, nullShares, reused } = await buildTrainingSet(request, deps, {
          signal,
          onProgress: report,
        });
        return { id, path, rows, ...(parts === undefined ? {} : { parts }), nullShares, reused };
      }),
  };
}
