import { ApplicationFailure, CancelledFailure } from '@temporalio/common';
import { isErrorCode, isRetryable, messageOf, TidemarkError } from '../core/errors.ts';

/** What lasts is tried so often, within seconds: a file may have been read while it was being replaced. */
const LASTING_TRIES = 3;

/**
 * An error of ours as Temporal carries it: its code is the failure's type, which decides whether to retry. `attempt`
 * counts from 1; errors that waiting does not heal are retried a few times only.
 */
export function toFailure(thrown: unknown, attempt: number): Error {
  if (thrown instanceof CancelledFailure || thrown instanceof ApplicationFailure) return thrown;
  if (!(thrown instanceof TidemarkError)) {
    return ApplicationFailure.create({
      type: 'INTERNAL',
      message: messageOf(thrown),
      cause: asError(thrown),
    });
  }
  if (thrown.code === 'CANCELLED') return new CancelledFailure(thrown.message);
  return ApplicationFailure.create({
    type: thrown.code,
    message: thrown.message,
    nonRetryable: !isRetryable(thrown.code) || (thrown.lasting && attempt >= LASTING_TRIES),
    details: thrown.problems.length > 0 ? [thrown.problems.slice(0, 20)] : [],
  });
}

/** gRPC's codes of a server that is away. */
const DEADLINE_EXCEEDED = 4;
const UNAVAILABLE = 14;

/** The error of ours inside what a workflow's result threw. */
export function fromFailure(thrown: unknown): TidemarkError {
  for (let error: unknown = thrown; error instanceof Error; error = error.cause) {
    if (error instanceof TidemarkError) return error;
    if (error instanceof ApplicationFailure && isErrorCode(error.type)) {
      return new TidemarkError(error.type, error.message, { cause: thrown });
    }
    if (error instanceof CancelledFailure)
      return new TidemarkError('CANCELLED', 'The run was cancelled.', { cause: thrown });
    if ('code' in error && (error.code === UNAVAILABLE || error.code === DEADLINE_EXCEEDED)) {
      return new TidemarkError(
        'STORE_UNAVAILABLE',
        'Temporal does not answer. Runs go on when it is back: run the same command again then.',
        { cause: thrown },
      );
    }
  }
  return new TidemarkError('INTERNAL', messageOf(thrown), { cause: thrown });
}

function asError(thrown: unknown): Error {
  return thrown instanceof Error ? thrown : new Error(String(thrown));
}
