import type { AlertEvent } from '../alert.ts';

/** Where alerts are told. */
export interface AlertSink {
  /** Names its queue; stays the same over restarts. */
  readonly name: string;
  /**
   * Resolves when the receiver has taken the event. Otherwise a TidemarkError: a retryable one when the sink may
   * take it later, one that is not when the receiver read this event and refused it. No secret in its message.
   */
  send(event: AlertEvent): Promise<void>;
}
