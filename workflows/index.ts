/** What a worker's bundle holds: every workflow type by its name. */
export { backfill } from './backfill.ts';
export { materialize } from './materialize.ts';
export { migrate } from './migrate.ts';
export { monitor } from './monitor.ts';
export { scheduledTrainingSet } from './scheduled-training-set.ts';
export { trainingSet } from './training-set.ts';
