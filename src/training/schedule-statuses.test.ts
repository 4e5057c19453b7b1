import { expect, test } from 'vitest';
import { manifestOf, trainingSetSpec } from '../../test/support/specs.ts';
import { timeOf } from '../core/time.ts';
import type { TrainingSetScheduleSpec } from '../core/training-set-schedule.ts';
import type { ScheduledSet } from '../registry/scheduled-set.ts';
import { scheduleStatuses } from './schedule-statuses.ts';

const at = (now: string, schedules: readonly TrainingSetScheduleSpec[], last: readonly ScheduledSet[] = []) =>
  scheduleStatuses('shop', {
    registry: {
      load: async () => ({
        manifest: manifestOf([], { trainingSetSchedules: schedules }),
        revision: 1,
        appliedAt: timeOf('2026-01-01'),
      }),
      lastScheduledSets: async () => last,
    },
    clock: () => timeOf(now),
  });

test('a set is next built a data delay after the first tick that is not past with its delay', async () => {
  const daily = trainingSetSpec({ dataDelay: '2h' });
  const next = async (now: string) => (await at(now, [daily]))[0];
  expect(await next('2026-03-01T05:00:00Z')).toMatchObject({
    nextTick: '2026-03-01T06:00:00Z',
    nextBuildAt: '2026-03-01T08:00:00Z',
  });
  expect(await next('2026-03-01T07:59:00Z')).toMatchObject({ nextTick: '2026-03-01T06:00:00Z' });
  expect(await next('2026-03-01T08:00:00Z')).toMatchObject({ nextTick: '2026-03-02T06:00:00Z' });
});

test('a paused schedule has no next build, and what is no longer defined is not told', async () => {
  const set: ScheduledSet = {
    project: 'shop',
    schedule: 'daily',
    tick: timeOf('2026-02-28T06:00:00Z'),
    endedAt: timeOf('2026-02-28T06:01:00Z'),
    outcome: { kind: 'failed', code: 'SPINE_INVALID', message: 'Cannot use the spine.' },
  };
  const last = [{ ...set, schedule: 'before' }, set];
  expect(await at('2026-03-01', [trainingSetSpec({ paused: true })], last)).toEqual([
    {
      name: 'daily',
      nextTick: null,
      nextBuildAt: null,
      last: {
        tick: '2026-02-28T06:00:00Z',
        endedAt: '2026-02-28T06:01:00Z',
        kind: 'failed',
        code: 'SPINE_INVALID',
        message: 'Cannot use the spine.',
      },
    },
  ]);
  expect(await at('2026-03-01', [])).toEqual([]);
});
