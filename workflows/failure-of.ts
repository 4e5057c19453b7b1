import {
  ActivityFailure,
  ApplicationFailure,
  CancelledFailure,
  ChildWorkflowFailure,
} from '@temporalio/workflow';

/** A history keeps it, and a continue-as-new may carry it on. */
const MESSAGE_LENGTH = 400;

/** The code and sentence of what made an activity or a child fail. */
export function failureOf(error: unknown): { readonly code: string; readonly message: string } {
  let cause = error;
  while (cause instanceof ActivityFailure || cause instanceof ChildWorkflowFailure) {
    if (cause.cause === undefined) break;
    cause = cause.cause;
  }
  const message = (cause instanceof Error ? cause.message : String(cause)).slice(0, MESSAGE_LENGTH);
  if (cause instanceof CancelledFailure) return { code: 'CANCELLED', message };
  return { code: cause instanceof ApplicationFailure ? (cause.type ?? 'INTERNAL') : 'INTERNAL', message };
}
