import type { ActivityOptions } from '@temporalio/workflow';

/**
 * Every activity heartbeats once a second, so silence means that its worker is gone. A takeover waits for the dead
 * worker's lease in any case, which lasts a little longer than this.
 */
const HEARTBEAT = { heartbeatTimeout: '10 seconds' } as const;

/** Questions to the registry and the ledger: a server that is away for some minutes does not end a run. */
export const SHORT = {
  ...HEARTBEAT,
  startToCloseTimeout: '10 minutes',
  retry: { initialInterval: '500 milliseconds', maximumInterval: '30 seconds', maximumAttempts: 20 },
} as const satisfies ActivityOptions;

/** Work on data. Cancelling waits until the work has stopped and given back what it holds. */
export const LONG = {
  ...HEARTBEAT,
  startToCloseTimeout: '6 hours',
  cancellationType: 'WAIT_CANCELLATION_COMPLETED',
  retry: { initialInterval: '500 milliseconds', maximumInterval: '30 seconds', maximumAttempts: 12 },
} as const satisfies ActivityOptions;
