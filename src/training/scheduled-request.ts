import { isAbsolute, resolve } from 'node:path';
import { withInterval } from '../core/interval-query.ts';
import { scheduleOf } from '../core/schedule.ts';
import { durationOf, formatTime, type Micros, micros, subtractDuration } from '../core/time.ts';
import type { ScheduledSpine, TrainingSetScheduleSpec } from '../core/training-set-schedule.ts';
import type { Spine } from '../offline/as-of-engine.ts';
import type { TrainingSetRequest } from './training-set.ts';

/** What a schedule asks for at its last tick up to `at`: the same for the same tick, whatever the time is now. */
export function scheduledRequest(
  project: string,
  spec: TrainingSetScheduleSpec,
  at: Micros,
): { readonly tick: Micros; readonly request: TrainingSetRequest } {
  const { floor } = scheduleOf(spec.schedule);
  const tick = floor(at);
  return {
    tick,
    request: {
      project,
      spine: spineAt(spec.spine, { start: floor(micros(tick - 1n)), end: tick }),
      features: spec.features,
      ...(spec.aliases === undefined ? {} : { aliases: spec.aliases }),
      ...(spec.label === undefined ? {} : { label: spec.label }),
      knownAt: spec.knownAt === 'tick' ? formatTime(tick) : spec.knownAt,
      fullNames: spec.fullNames,
      layout: {
        format: spec.format,
        ...(spec.split === null ? {} : { split: spec.split }),
        ...(spec.rowsPerFile === null ? {} : { rowsPerFile: spec.rowsPerFile }),
      },
      statistics: spec.statistics,
    },
  };
}

function spineAt(spine: ScheduledSpine, interval: { readonly start: Micros; readonly end: Micros }): Spine {
  switch (spine.kind) {
    case 'query':
    case 'postgres':
      return { ...spine, query: withInterval(spine.query, interval) };
    case 'last': {
      const { timestampField } = spine;
      const from = subtractDuration(interval.end, durationOf(spine.duration));
      return { kind: 'range', from: formatTime(from), to: formatTime(interval.end), timestampField };
    }
    default:
      return spine;
  }
}

/** The request with its file found from the feature repository, as sources are. */
export function inRepository(request: TrainingSetRequest, baseDir: string): TrainingSetRequest {
  const { spine } = request;
  if (!('path' in spine) || isAbsolute(spine.path) || spine.path.startsWith('s3://')) return request;
  return { ...request, spine: { ...spine, path: resolve(baseDir, spine.path) } };
}
