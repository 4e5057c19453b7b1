import { Context } from '@temporalio/activity';
import { toFailure } from '../src/orchestrate/failures.ts';

/** A cancellation is learnt of by a heartbeat's answer. */
const HEARTBEAT_MILLIS = 1000;

export interface ActivityScope {
  /** Aborted when the workflow cancels the activity, or the worker shuts down. */
  readonly signal: AbortSignal;
  /** What the next heartbeat tells; the last one tells where a retry found its predecessor. */
  report(progress: unknown): void;
}

/**
 * What all activities share: heartbeats as long as the work runs (a query of minutes has no natural pauses), the
 * cancellation signal, and errors in Temporal's form.
 */
export async function runActivity<T>(work: (scope: ActivityScope) => Promise<T>): Promise<T> {
  const context = Context.current();
  let last: unknown;
  const heartbeat = setInterval(() => context.heartbeat(last), HEARTBEAT_MILLIS);
  context.heartbeat();
  try {
    return await work({
      signal: context.cancellationSignal,
      report(progress) {
        last = progress;
      },
    });
  } catch (error) {
    // Whatever broke because of the cancellation, the cancellation is what happened.
    if (context.cancellationSignal.aborted) throw context.cancellationSignal.reason;
    throw toFailure(error, context.info.attempt);
  } finally {
    clearInterval(heartbeat);
  }
}
