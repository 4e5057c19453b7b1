import type { DurationMicros, Micros } from '../core/time.ts';
import type { Alert, AlertEvent } from './alert.ts';
import type { Finding } from './finding.ts';

/**
 * Alerts and the queue of what sinks have yet to be told.
 *
 * Invariants that every adapter keeps:
 * 1. At most one alert is open per project and identity, however many monitors run.
 * 2. An alert's change and the deliveries that tell of it are kept together or not at all.
 * 3. A sink is told in the order in which things happened: nothing overtakes a delivery that failed.
 * 4. A delivery stays until it was made or given up; one claimed by a monitor that died is claimed again.
 */
export interface AlertStore {
  /**
   * Makes the open alerts of a project those of `findings`: opens, updates and resolves, and queues a delivery to
   * each sink for every change, and for alerts open longer than `repeatEvery` since they were last told.
   * A look older than the last one changes nothing.
   */
  reconcile(look: Look): Promise<Reconciled>;
  /** The next delivery to a sink, if it is due, for the caller alone until `now` + `leaseFor`. Counts an attempt. */
  claimDelivery(request: DeliveryRequest): Promise<Delivery | undefined>;
  markDelivered(delivery: Delivery, now: Micros): Promise<void>;
  /** `retryAt` null gives it up: the sink will not hear of it, and the next one in its queue comes forward. */
  markFailed(delivery: Delivery, error: string, retryAt: Micros | null, now: Micros): Promise<void>;
  /** Oldest first. */
  openAlerts(project: string): Promise<readonly Alert[]>;
  /** Open and resolved ones, newest first. */
  recentAlerts(project: string, limit: number): Promise<readonly Alert[]>;
}

export interface Look {
  readonly project: string;
  readonly findings: readonly Finding[];
  /** Names of the sinks to tell. */
  readonly sinks: readonly string[];
  readonly repeatEvery: DurationMicros;
  /** When the look began. */
  readonly now: Micros;
}

export interface Reconciled {
  readonly opened: number;
  readonly repeated: number;
  readonly resolved: number;
  /** Open after it. */
  readonly open: number;
}

export interface DeliveryRequest {
  readonly project: string;
  readonly sink: string;
  readonly now: Micros;
  readonly leaseFor: DurationMicros;
}

export interface Delivery {
  readonly id: string;
  readonly event: AlertEvent;
  /** This one included. */
  readonly attempts: number;
}
