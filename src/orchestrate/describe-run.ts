import { type Client, type WorkflowExecutionDescription, WorkflowNotFoundError } from '@temporalio/client';
import { TidemarkError } from '../core/errors.ts';
import { fromFailure } from './failures.ts';
import { taskQueueOf } from './ids.ts';
import { findRun, lastHeartbeat } from './runs.ts';

export type RunState = 'running' | 'completed' | 'failed' | 'cancelled' | 'terminated' | 'timed out';

/** How a run stands, ready for JSON. */
export interface DescribedRun {
  readonly id: string;
  readonly workflow: string;
  readonly state: RunState;
  readonly started_at: string;
  readonly closed_at: string | null;
  /** Of a run that goes on its `progress` (null while no worker answers), of one that is done its result. */
  readonly progress: unknown;
  readonly error: { readonly code: string; readonly message: string } | null;
}

/** A query waits for a worker that is not there for so long. */
const PATIENCE_MILLIS = 2000;

/** UNKNOWN_RUN unless the project has a run of that id; STORE_UNAVAILABLE when Temporal does not answer. */
export async function describeRun(client: Client, project: string, id: string): Promise<DescribedRun> {
  const found = await describe(client, id);
  if (found === undefined || found.taskQueue !== taskQueueOf(project)) {
    throw new TidemarkError(
      'UNKNOWN_RUN',
      `Cannot find run "${id}" of project "${project}": it never ran, or so long ago that it is forgotten.`,
    );
  }
  const state = stateOf(found.status.name);
  const ended =
    state === 'running' ? undefined : await outcomeOf(findRun<unknown, unknown>(client, id).result(), state);
  return {
    id,
    workflow: found.type,
    state,
    started_at: found.startTime.toISOString(),
    closed_at: found.closeTime?.toISOString() ?? null,
    progress: ended === undefined ? await progressOf(client, found) : ended.result,
    error: ended?.error ?? null,
  };
}

/** A build tells how far it is by its heartbeats, the others by their query. */
async function progressOf(client: Client, found: WorkflowExecutionDescription): Promise<unknown> {
  if (found.type === 'trainingSet') return { state: 'building', ...lastHeartbeat(found) };
  const run = findRun<unknown, unknown>(client, found.workflowId);
  return (await client.withDeadline(Date.now() + PATIENCE_MILLIS, () => run.progress())) ?? null;
}

async function describe(client: Client, id: string) {
  try {
    return await client.workflow.getHandle(id).describe();
  } catch (error) {
    // No workflow can have an id that Temporal refuses to look for: an empty one, for one.
    if (error instanceof WorkflowNotFoundError || isRefused(error)) return undefined;
    throw fromFailure(error);
  }
}

/** gRPC's code of a request that is wrong in itself. */
const INVALID_ARGUMENT = 3;

function isRefused(error: unknown): boolean {
  const cause: unknown = error instanceof Error ? error.cause : undefined;
  return cause instanceof Error && 'code' in cause && cause.code === INVALID_ARGUMENT;
}

/** A run that was continued as new is found as what it goes on as. */
function stateOf(status: string): RunState {
  switch (status) {
    case 'COMPLETED':
      return 'completed';
    case 'FAILED':
      return 'failed';
    case 'CANCELLED':
      return 'cancelled';
    case 'TERMINATED':
      return 'terminated';
    case 'TIMED_OUT':
      return 'timed out';
    default:
      return 'running';
  }
}

async function outcomeOf(result: Promise<unknown>, state: RunState) {
  try {
    return { result: (await result) ?? null, error: null };
  } catch (thrown) {
    const { code, message } = fromFailure(thrown);
    if (code === 'STORE_UNAVAILABLE' && state !== 'failed') throw fromFailure(thrown);
    return { result: null, error: { code, message } };
  }
}
