import type { ActivityDeps } from './activity-deps.ts';
import { createMaterializeActivities } from './materialize-activities.ts';
import { createMigrateActivities } from './migrate-activities.ts';
import { createMonitorActivities } from './monitor-activities.ts';
import { createTrainingActivities } from './training-activities.ts';

/** All activities of a worker. Workflows know this type only. */
export function createActivities(deps: ActivityDeps) {
  return {
    ...createMaterializeActivities(deps),
    ...createMigrateActivities(deps),
    ...createMonitorActivities(deps),
    ...createTrainingActivities(deps),
  };
}

export type Activities = ReturnType<typeof createActivities>;
