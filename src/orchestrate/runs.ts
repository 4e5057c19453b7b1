import { setTimeout as sleep } from 'node:timers/promises';
import {
  type Client,
  ScheduleNotFoundError,
  WorkflowExecutionAlreadyStartedError,
  type WorkflowExecutionDescription,
  type WorkflowHandle,
  WorkflowNotFoundError,
} from '@temporalio/client';
import { defaultPayloadConverter } from '@temporalio/common';
import { TidemarkError } from '../core/errors.ts';
import type {
  BackfillInput,
  BuildProgress,
  MaterializeInput,
  WorkProgress,
  WorkTotals,
} from './contracts.ts';
import { fromFailure } from './failures.ts';
import { backfillId, materializeRunId, taskQueueOf } from './ids.ts';

/** A run that was started or found running. */
export interface Run<Result, Progress> {
  readonly id: string;
  /** The run's result, or the error of ours that ended it. Aborting ends the waiting. */
  result(signal?: AbortSignal): Promise<Result>;
  /** Undefined while no worker answers. */
  progress(): Promise<Progress | undefined>;
}

export type WorkRun = Run<WorkTotals, WorkProgress>;

/** Starts a materialization by hand; while one that was asked for alike runs, that one is returned. */
export async function startMaterialize(client: Client, input: MaterializeInput): Promise<WorkRun> {
  return await startRun(client, 'materialize', materializeRunId(input), input.project, input);
}

/** Starts a backfill; the same one asked for again while it runs is returned. */
export async function startBackfill(client: Client, input: BackfillInput): Promise<WorkRun> {
  return await startRun(client, 'backfill', backfillId(input), input.project, input);
}

/** Starts a workflow under its id, or joins the one that runs under it already. */
export async function startRun<Input, Result, Progress>(
  client: Client,
  workflow: string,
  workflowId: string,
  project: string,
  input: Input,
): Promise<Run<Result, Progress>> {
  try {
    const handle = await client.workflow.start(workflow, {
      workflowId,
      taskQueue: taskQueueOf(project),
      args: [input],
      workflowIdConflictPolicy: 'USE_EXISTING',
    });
    return runOf(client, handle);
  } catch (error) {
    if (error instanceof WorkflowExecutionAlreadyStartedError) return findRun(client, workflowId);
    throw fromFailure(error);
  }
}

export function findRun<Result, Progress>(client: Client, workflowId: string): Run<Result, Progress> {
  return runOf(client, client.workflow.getHandle(workflowId));
}

function runOf<Result, Progress>(client: Client, handle: WorkflowHandle): Run<Result, Progress> {
  return {
    id: handle.workflowId,
    result: async (signal) => {
      const waiting = () => handle.result() as Promise<Result>;
      try {
        // The long poll would keep the process for up to its 20 seconds after nobody waits any more.
        return await (signal === undefined ? waiting() : client.connection.withAbortSignal(signal, waiting));
      } catch (error) {
        throw asUnknownRun(error, handle.workflowId) ?? fromFailure(error);
      }
    },
    progress: async () => {
      try {
        return await handle.query<Progress>('progress');
      } catch {
        // No worker, or the workflow has just ended: its result will tell.
        return undefined;
      }
    },
  };
}

/** Waits for a run, telling its progress. Aborting stops the waiting, not the run: it is durable. */
export async function follow<Result, Progress>(
  run: Run<Result, Progress>,
  onProgress: (progress: Progress) => void,
  signal?: AbortSignal,
): Promise<Result> {
  const finished = new AbortController();
  const unwanted = new AbortController();
  const result = run.result(unwanted.signal).finally(() => finished.abort());
  const stop = signal === undefined ? finished.signal : AbortSignal.any([finished.signal, signal]);
  const watching = (async () => {
    while (!stop.aborted) {
      const progress = await run.progress();
      if (progress !== undefined) onProgress(progress);
      await sleep(300, undefined, { signal: stop }).catch(() => undefined);
    }
  })();
  if (signal === undefined) return await result;
  const aborted = new Promise<never>((_, reject) => {
    const abort = () => {
      result.catch(() => undefined);
      unwanted.abort();
      reject(new TidemarkError('CANCELLED', `Stopped waiting for ${run.id}; the run itself goes on.`));
    };
    if (signal.aborted) abort();
    signal.addEventListener('abort', abort, { once: true });
  });
  try {
    return await Promise.race([result, aborted]);
  } finally {
    finished.abort();
    await watching;
  }
}

/** Waits for a run of one long activity, telling what its heartbeats tell. */
export async function followBuild<Result>(
  client: Client,
  run: Run<Result, never>,
  onProgress: (progress: BuildProgress) => void,
  signal?: AbortSignal,
): Promise<Result> {
  const building: Run<Result, BuildProgress> = { ...run, progress: () => buildProgress(client, run.id) };
  return await follow(building, onProgress, signal);
}

/**
 * How far the build of a training set is, as its last heartbeat told; undefined before the first, and when nothing
 * runs. A workflow does not see the heartbeats of its activities, and telling it by signals would fill its history.
 */
export async function buildProgress(client: Client, workflowId: string): Promise<BuildProgress | undefined> {
  try {
    return lastHeartbeat(await client.workflow.getHandle(workflowId).describe());
  } catch {
    return undefined;
  }
}

/** What the activity that a workflow waits for told last. */
export function lastHeartbeat({ raw }: Pick<WorkflowExecutionDescription, 'raw'>): BuildProgress | undefined {
  const [payload] = raw.pendingActivities?.[0]?.heartbeatDetails?.payloads ?? [];
  // Null until the activity has told something.
  return payload === undefined
    ? undefined
    : (defaultPayloadConverter.fromPayload<BuildProgress | null>(payload) ?? undefined);
}

export type RunCommand = 'pause' | 'resume' | 'cancel';

/** Tells a running workflow something; UNKNOWN_RUN when there is none of that id. */
export async function commandRun(client: Client, workflowId: string, command: RunCommand): Promise<void> {
  const handle = client.workflow.getHandle(workflowId);
  try {
    if (command !== 'cancel') await handle.signal(command);
    // Of one that has ended the server takes a cancellation without a word.
    else if ((await handle.describe()).status.name !== 'RUNNING') throw unknownRun(workflowId);
    else await handle.cancel();
  } catch (error) {
    throw asUnknownRun(error, workflowId) ?? fromFailure(error);
  }
}

/** Sends a signal with who sends it; UNKNOWN_RUN when there is none of that id. */
export async function tellRun(client: Client, workflowId: string, signal: string, by: string): Promise<void> {
  try {
    await client.workflow.getHandle(workflowId).signal(signal, by);
  } catch (error) {
    throw asUnknownRun(error, workflowId) ?? fromFailure(error);
  }
}

function asUnknownRun(error: unknown, id: string): TidemarkError | undefined {
  if (!(error instanceof WorkflowNotFoundError) && !(error instanceof ScheduleNotFoundError))
    return undefined;
  return unknownRun(id, error);
}

function unknownRun(id: string, cause?: unknown): TidemarkError {
  const message = `Cannot find a running workflow "${id}": it never ran, or has ended.`;
  return new TidemarkError('UNKNOWN_RUN', message, { cause });
}
