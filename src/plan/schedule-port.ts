import type { BatchViewSpec, ViewVersion } from '../core/feature-view.ts';
import type { TrainingSetScheduleSpec } from '../core/training-set-schedule.ts';

/** The clocks of batch views and training sets. All calls are idempotent: `apply` may make them again after a crash. */
export interface SchedulePort {
  /** Makes the version's schedule, or makes it what the view says; a paused one stays paused. */
  upsert(view: BatchViewSpec, project: string): Promise<void>;
  /** A no-op when there is none. */
  remove(version: ViewVersion): Promise<void>;
  upsertTrainingSet(spec: TrainingSetScheduleSpec, project: string): Promise<void>;
  /** A no-op when there is none. */
  removeTrainingSet(project: string, name: string): Promise<void>;
}
