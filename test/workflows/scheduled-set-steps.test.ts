import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import type { WorkflowHandle } from '@temporalio/client';
import { ApplicationFailure } from '@temporalio/common';
import type { TestWorkflowEnvironment } from '@temporalio/testing';
import { beforeAll, expect, test } from 'vitest';
import type { Activities } from '../../activities/create-activities.ts';
import type { RecordScheduledSetInput, TrainResult } from '../../src/orchestrate/contracts.ts';
import { fromFailure } from '../../src/orchestrate/failures.ts';
import type { TrainingSetRequest } from '../../src/training/training-set.ts';
import { timeSkipping, workerWith } from '../support/time-skipping.ts';

/** The steps of a scheduled set, without the work. */
let env: TestWorkflowEnvironment;

beforeAll(async () => {
  env = await timeSkipping();
}, 120_000);

const TICK = '2026-01-01T06:00:00Z';
const REQUEST: TrainingSetRequest = {
  project: 'shop',
  spine: { kind: 'parquet', path: 'labels.parquet', timestampField: 'at' },
  features: { kind: 'service', service: 'model' },
  knownAt: 'any',
  fullNames: false,
};

function setActivities(build: () => Promise<boolean> = async () => false) {
  const recorded: RecordScheduledSetInput[] = [];
  const id = randomUUID();
  const activities = {
    planScheduledSet: async () => ({ tick: TICK, id, request: REQUEST }),
    buildTrainingSet: async (): Promise<TrainResult> => {
      const reused = await build();
      return { id, path: '/data.parquet', rows: 3, nullShares: {}, reused };
    },
    recordScheduledSet: async (input: RecordScheduledSetInput) => void recorded.push(input),
  } satisfies Partial<Activities>;
  return { activities, id, recorded };
}

async function begin(taskQueue: string, waitMillis = 0): Promise<WorkflowHandle> {
  return await env.client.workflow.start('scheduledTrainingSet', {
    taskQueue,
    workflowId: `training-set-schedule/shop/daily/${randomUUID()}`,
    args: [{ project: 'shop', schedule: 'daily', waitMillis }],
  });
}

const errorOf = async (handle: WorkflowHandle) =>
  fromFailure(
    await handle.result().then(
      () => undefined,
      (error: unknown) => error,
    ),
  );

test('the data delay counts from the tick, and what was built is recorded for it', async () => {
  const { activities, id, recorded } = setActivities();
  const began = await env.currentTimeMs();
  let planned = 0;
  const taskQueue = await workerWith(env, {
    ...activities,
    planScheduledSet: async () => {
      planned = await env.currentTimeMs();
      return await activities.planScheduledSet();
    },
  });
  const handle = await begin(taskQueue, 3_600_000);
  expect(await handle.result()).toMatchObject({ id, rows: 3 });
  expect(planned - began).toBeGreaterThanOrEqual(3_600_000);
  expect(planned - began).toBeLessThan(3_660_000);
  const outcome = { kind: 'built', id, rows: 3, reused: false };
  expect(recorded).toEqual([{ project: 'shop', schedule: 'daily', tick: TICK, outcome }]);
});

test('a set that somebody builds just then is waited for, not built beside them', async () => {
  const release = Promise.withResolvers<void>();
  let [building, most, builds] = [0, 0, 0];
  const { activities, id } = setActivities(async () => {
    building += 1;
    most = Math.max(most, building);
    builds += 1;
    if (builds === 1) await release.promise;
    building -= 1;
    return builds > 1;
  });
  const taskQueue = await workerWith(env, activities);
  const other = await env.client.workflow.start('trainingSet', {
    taskQueue,
    workflowId: `training-set/${id}`,
    args: [REQUEST],
  });
  const handle = await begin(taskQueue);
  await sleep(500);
  release.resolve();
  expect(await other.result()).toMatchObject({ reused: false });
  expect(await handle.result()).toMatchObject({ id, reused: true });
  expect({ most, builds }).toEqual({ most: 1, builds: 2 });
});

test('what cannot be built is recorded with its reason, and fails the run with it', async () => {
  const { activities, recorded } = setActivities(async () => {
    throw ApplicationFailure.create({
      type: 'SPINE_INVALID',
      message: 'Cannot use the spine.',
      nonRetryable: true,
    });
  });
  const handle = await begin(await workerWith(env, activities));
  expect(await errorOf(handle)).toMatchObject({ code: 'SPINE_INVALID', message: 'Cannot use the spine.' });
  expect(recorded).toMatchObject([
    { tick: TICK, outcome: { kind: 'failed', code: 'SPINE_INVALID', message: 'Cannot use the spine.' } },
  ]);
});

test('one that is cancelled is recorded too', async () => {
  const { activities, recorded } = setActivities();
  const handle = await begin(await workerWith(env, activities), 86_400_000);
  await handle.query('__stack_trace').catch(() => undefined);
  await handle.cancel();
  expect(await errorOf(handle)).toMatchObject({ code: 'CANCELLED' });
  expect(recorded).toMatchObject([{ outcome: { kind: 'failed', code: 'CANCELLED' } }]);
});
