import { TidemarkError } from '../src/core/errors.ts';
import { didYouMean } from '../src/core/nearest.ts';
import { formatTime, timeOf } from '../src/core/time.ts';
import type {
  PlannedScheduledSet,
  PlanScheduledSetInput,
  RecordScheduledSetInput,
  TrainResult,
} from '../src/orchestrate/contracts.ts';
import { appliedManifest } from '../src/registry/applied-manifest.ts';
import { buildTrainingSet } from '../src/training/build-training-set.ts';
import { planTrainingSet } from '../src/training/plan-training-set.ts';
import { inRepository, scheduledRequest } from '../src/training/scheduled-request.ts';
import type { TrainingSetRequest } from '../src/training/training-set.ts';
import type { ActivityDeps } from './activity-deps.ts';
import { runActivity } from './run-activity.ts';

export function createTrainingActivities(deps: ActivityDeps) {
  return {
    /** Joins and writes a training set, or finds it made. */
    buildTrainingSet: (request: TrainingSetRequest): Promise<TrainResult> =>
      runActivity(async ({ signal, report }) => {
        // Without the manifest, which may be large: it lies beside the data.
        const { manifest: _, ...result } = await buildTrainingSet(inRepository(request, deps.baseDir), deps, {
          signal,
          onProgress: report,
        });
        return result;
      }),

    /** What a schedule's tick asks for, as it is defined now, and the id of that set. */
    planScheduledSet: ({ project, schedule, at }: PlanScheduledSetInput): Promise<PlannedScheduledSet> =>
      runActivity(async () => {
        const { trainingSetSchedules } = await appliedManifest(deps.registry, project);
        const spec = trainingSetSchedules.find(({ name }) => name === schedule);
        if (spec === undefined) {
          const names = trainingSetSchedules.map(({ name }) => name);
          throw new TidemarkError(
            'REQUEST_INVALID',
            `Cannot find training set schedule "${schedule}" in project "${project}".${didYouMean(schedule, names)}`,
          );
        }
        const { tick, request } = scheduledRequest(project, spec, timeOf(at));
        const { id } = await planTrainingSet(inRepository(request, deps.baseDir), deps);
        return { tick: formatTime(tick), id, request };
      }),

    recordScheduledSet: ({ tick, ...set }: RecordScheduledSetInput): Promise<void> =>
      runActivity(() =>
        deps.registry.recordScheduledSet({ ...set, tick: timeOf(tick), endedAt: deps.clock() }),
      ),
  };
}
