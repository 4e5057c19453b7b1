import { scheduleOf } from '../core/schedule.ts';
import {
  addDuration,
  type Clock,
  durationOf,
  formatTime,
  type Micros,
  micros,
  subtractDuration,
} from '../core/time.ts';
import type { TrainingSetScheduleSpec } from '../core/training-set-schedule.ts';
import { appliedManifest } from '../registry/applied-manifest.ts';
import type { Registry } from '../registry/registry.ts';
import type { ScheduledSet } from '../registry/scheduled-set.ts';

/** How a scheduled training set stands, ready for JSON: times are ISO text. */
export interface ScheduleStatus {
  readonly name: string;
  /** Null while its definition pauses it. */
  readonly nextTick: string | null;
  /** When the next tick's set is built: a data delay after it. */
  readonly nextBuildAt: string | null;
  /** The newest tick whose build has ended; null before the first. */
  readonly last: LastSet | null;
}

export type LastSet = { readonly tick: string; readonly endedAt: string } & ScheduledSet['outcome'];

/** By name; UNKNOWN_PROJECT before the first apply. */
export async function scheduleStatuses(
  project: string,
  {
    registry,
    clock,
  }: { readonly registry: Pick<Registry, 'load' | 'lastScheduledSets'>; readonly clock: Clock },
): Promise<readonly ScheduleStatus[]> {
  const { trainingSetSchedules } = await appliedManifest(registry, project);
  if (trainingSetSchedules.length === 0) return [];
  const last = new Map((await registry.lastScheduledSets(project)).map((set) => [set.schedule, set]));
  const now = clock();
  return trainingSetSchedules.map((spec) => {
    const found = last.get(spec.name);
    return {
      name: spec.name,
      ...nextOf(spec, now),
      last: found === undefined ? null : lastOf(found),
    };
  });
}

function nextOf(
  { schedule, dataDelay, paused }: TrainingSetScheduleSpec,
  now: Micros,
): Pick<ScheduleStatus, 'nextTick' | 'nextBuildAt'> {
  if (paused) return { nextTick: null, nextBuildAt: null };
  const delay = durationOf(dataDelay);
  const tick = scheduleOf(schedule).ceil(micros(subtractDuration(now, delay) + 1n));
  return { nextTick: formatTime(tick), nextBuildAt: formatTime(addDuration(tick, delay)) };
}

function lastOf({ tick, endedAt, outcome }: ScheduledSet): LastSet {
  return { tick: formatTime(tick), endedAt: formatTime(endedAt), ...outcome };
}
