import {
  type Client,
  ScheduleAlreadyRunning,
  ScheduleNotFoundError,
  type ScheduleOptions,
} from '@temporalio/client';
import type { BatchViewSpec, ViewVersion } from '../core/feature-view.ts';
import { scheduleOf } from '../core/schedule.ts';
import { durationOf, micros } from '../core/time.ts';
import type { TrainingSetScheduleSpec } from '../core/training-set-schedule.ts';
import type { MaterializeInput, ScheduledTrainingSetInput } from './contracts.ts';
import { materializeId, monitorId, taskQueueOf, trainingSetScheduleId } from './ids.ts';

/** How far back missed ticks are made up for after an outage; the ledger knows what is missing anyway. */
const CATCH_UP = '1 day';
/** Tells a pause that the definition asked for from one that a person made by hand, which is left alone. */
const PAUSED_BY_DEFINITION = 'paused by its definition';
const MONITOR_PERIOD = '30 seconds';

/**
 * One Temporal Schedule per view version and per scheduled training set, and one for the project's monitor. All
 * calls may be repeated.
 */
export function createSchedules(client: Client) {
  return {
    async upsert(view: BatchViewSpec, project: string): Promise<void> {
      await upsertSchedule(client, materializeSchedule(view, project));
    },
    async remove(version: ViewVersion): Promise<void> {
      await removeSchedule(client, materializeId(version));
    },
    async upsertTrainingSet(spec: TrainingSetScheduleSpec, project: string): Promise<void> {
      await upsertSchedule(client, trainingSetSchedule(spec, project));
    },
    async removeTrainingSet(project: string, name: string): Promise<void> {
      await removeSchedule(client, trainingSetScheduleId(project, name));
    },
    async upsertMonitor(project: string): Promise<void> {
      await upsertSchedule(client, monitorSchedule(project));
    },
    async removeMonitor(project: string): Promise<void> {
      await removeSchedule(client, monitorId(project));
    },
  };
}

export type Schedules = ReturnType<typeof createSchedules>;

/**
 * Fires one data delay after each tick, when the interval that ended there is due. Schedules of a fixed period
 * shift by the delay; others fire on their ticks, and the workflow waits.
 */
function materializeSchedule(view: BatchViewSpec, project: string): ScheduleOptions {
  const target: MaterializeInput = { project, view: view.name, version: view.version };
  const delay = durationOf(view.dataDelay);
  const { fixed } = scheduleOf(view.schedule);
  const id = materializeId(target);
  return {
    scheduleId: id,
    spec:
      fixed === null
        ? { cronExpressions: [view.schedule], timezone: 'UTC' }
        : {
            intervals: [
              { every: millis(fixed.period), offset: millis((fixed.offset + delay) % fixed.period) },
            ],
          },
    action: {
      type: 'startWorkflow',
      workflowType: 'materialize',
      workflowId: id,
      taskQueue: taskQueueOf(project),
      args: [fixed === null ? { ...target, waitMillis: millis(delay) } : target],
    },
    policies: { overlap: 'BUFFER_ONE', catchupWindow: CATCH_UP, pauseOnFailure: false },
    state: view.paused ? { paused: true, note: PAUSED_BY_DEFINITION } : { paused: false },
  };
}

/**
 * Fires on its ticks, and the workflow waits for the data delay: each tick is a set of its own, so none is left out
 * because another one still waits or works, and what an outage missed is made up for.
 */
function trainingSetSchedule(spec: TrainingSetScheduleSpec, project: string): ScheduleOptions {
  const input: ScheduledTrainingSetInput = {
    project,
    schedule: spec.name,
    waitMillis: millis(durationOf(spec.dataDelay)),
  };
  const id = trainingSetScheduleId(project, spec.name);
  return {
    scheduleId: id,
    spec: { cronExpressions: [spec.schedule], timezone: 'UTC' },
    action: {
      type: 'startWorkflow',
      workflowType: 'scheduledTrainingSet',
      workflowId: id,
      taskQueue: taskQueueOf(project),
      args: [input],
    },
    policies: { overlap: 'ALLOW_ALL', catchupWindow: catchUpFor(spec.schedule), pauseOnFailure: false },
    state: spec.paused ? { paused: true, note: PAUSED_BY_DEFINITION } : { paused: false },
  };
}

/** Two periods, and at least a day: nothing else ever asks for a tick that was missed. */
function catchUpFor(cron: string): number {
  const schedule = scheduleOf(cron);
  const first = schedule.ceil(micros(0n));
  const period = schedule.ceil(micros(first + 1n)) - first;
  return Math.max(2 * millis(period), 86_400_000);
}

function monitorSchedule(project: string): ScheduleOptions {
  const id = monitorId(project);
  return {
    scheduleId: id,
    spec: { intervals: [{ every: MONITOR_PERIOD }] },
    action: {
      type: 'startWorkflow',
      workflowType: 'monitor',
      workflowId: id,
      taskQueue: taskQueueOf(project),
      args: [{ project }],
      workflowExecutionTimeout: '10 minutes',
    },
    policies: { overlap: 'SKIP', catchupWindow: '1 minute', pauseOnFailure: false },
  };
}

async function upsertSchedule(client: Client, options: ScheduleOptions): Promise<void> {
  try {
    await client.schedule.create(options);
  } catch (error) {
    if (!(error instanceof ScheduleAlreadyRunning)) throw error;
    const { scheduleId, ...rest } = options;
    await client.schedule.getHandle(scheduleId).update(({ state }) => ({
      ...rest,
      state: state.paused && state.note !== PAUSED_BY_DEFINITION ? state : { ...rest.state },
    }));
  }
}

async function removeSchedule(client: Client, id: string): Promise<void> {
  try {
    await client.schedule.getHandle(id).delete();
  } catch (error) {
    if (!(error instanceof ScheduleNotFoundError)) throw error;
  }
}

function millis(micros: bigint): number {
  return Number(micros / 1000n);
}
