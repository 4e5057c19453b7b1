import { type Client, WorkflowNotFoundError } from '@temporalio/client';
import { TidemarkError } from '../core/errors.ts';
import { fromFailure } from './failures.ts';
import { taskQueueOf } from './ids.ts';
import { findRun } from './runs.ts';

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
  const run = findRun<unknown, unknown>(client, id);
  const ended = state === 'running' ? undefined : await outcomeOf(run.result(), state);
  return {
    id,
    workflow: found.type,
    state,
    started_at: found.startTime.toISOString(),
    closed_at: found.closeTime?.toISOString() ?? null,
    progress:
      ended === undefined
        ? ((await client.withDeadline(Date.now() + PATIENCE_MILLIS, () => run.progress())) ?? null)
        : ended.result,
    error: ended?.error ?? null,
  };
}

async function describe(client: Client, id: string) {
  try {
    return await client.workflow.getHandle(id).describe();
  } catch (error) {
    if (error instanceof WorkflowNotFoundError) return undefined;
    throw fromFailure(error);
  }
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
