import { formatTime } from '../core/time.ts';
import type { TrainingSetScheduleSpec } from '../core/training-set-schedule.ts';
import type { ScheduledSet } from '../registry/scheduled-set.ts';
import type { Finding } from './finding.ts';
import { shortened } from './shortened.ts';

/** Of every schedule whose newest tick gave no set, one finding; the next set that is built ends it. */
export function checkTrainingSets(
  project: string,
  schedules: readonly TrainingSetScheduleSpec[],
  last: readonly ScheduledSet[],
): readonly Finding[] {
  return schedules.flatMap(({ name }): Finding[] => {
    const newest = last.find(({ schedule }) => schedule === name);
    if (newest?.outcome.kind !== 'failed') return [];
    const { code, message } = newest.outcome;
    const tick = formatTime(newest.tick);
    return [
      {
        identity: `training-set/${project}/${name}`,
        kind: 'training_set_failed',
        project,
        view: null,
        version: null,
        severity: 'warning',
        summary: `The training set of schedule "${name}" was not built for ${tick}: ${shortened(message)}`,
        details: { schedule: name, tick, code, error: shortened(message), at: formatTime(newest.endedAt) },
      },
    ];
  });
}
