import type { BatchViewSpec, ViewVersion } from '../core/feature-view.ts';

/** The clocks of the batch views. Both calls are idempotent: `apply` may make them again after a crash. */
export interface SchedulePort {
  /** Makes the version's schedule, or makes it what the view says; a paused one stays paused. */
  upsert(view: BatchViewSpec, project: string): Promise<void>;
  /** A no-op when there is none. */
  remove(version: ViewVersion): Promise<void>;
}
