import { messageOf, TidemarkError } from '../core/errors.ts';
import { addDuration, type Clock, type DurationMicros, durationOf } from '../core/time.ts';
import type { AlertStore } from './alert-store.ts';
import type { AlertSink } from './sinks/alert-sink.ts';

/** Longer than any sink takes to answer or time out; a monitor that died leaves its delivery to the next one. */
const LEASE = durationOf('30s');

/** Per sink and look: the rest is told at the next look, half a minute later. */
const DELIVERIES_PER_LOOK = 50;

/** How often a sink may refuse an event that it has read before the queue goes on without it. */
const REFUSALS = 10;

const FIRST_RETRY = durationOf('30s');
/** Short enough that a sink that comes back hears soon what it missed. */
const LONGEST_RETRY = durationOf('10m');

export interface DeliverDeps {
  readonly alerts: AlertStore;
  readonly sinks: readonly AlertSink[];
  readonly clock: Clock;
}

export interface Delivered {
  readonly delivered: number;
  readonly failedDeliveries: number;
}

/** Tells the sinks what is queued for them, in order, each until its queue is empty or it fails. */
export async function deliverAlerts(project: string, deps: DeliverDeps): Promise<Delivered> {
  const results = await Promise.all(deps.sinks.map((sink) => deliverTo(sink, project, deps)));
  return {
    delivered: results.reduce((total, result) => total + result.delivered, 0),
    failedDeliveries: results.reduce((total, result) => total + result.failedDeliveries, 0),
  };
}

async function deliverTo(
  sink: AlertSink,
  project: string,
  { alerts, clock }: DeliverDeps,
): Promise<Delivered> {
  for (let delivered = 0; ; delivered++) {
    if (delivered === DELIVERIES_PER_LOOK) return { delivered, failedDeliveries: 0 };
    const delivery = await alerts.claimDelivery({ project, sink: sink.name, now: clock(), leaseFor: LEASE });
    if (delivery === undefined) return { delivered, failedDeliveries: 0 };
    const error = await sink.send(delivery.event).then(
      () => undefined,
      (thrown: unknown) => ({ thrown }),
    );
    if (error === undefined) {
      await alerts.markDelivered(delivery, clock());
      continue;
    }
    const refused = error.thrown instanceof TidemarkError && !error.thrown.retryable;
    const now = clock();
    const retryAt =
      refused && delivery.attempts >= REFUSALS ? null : addDuration(now, retryDelay(delivery.attempts));
    await alerts.markFailed(delivery, messageOf(error.thrown), retryAt, now);
    return { delivered, failedDeliveries: 1 };
  }
}

/** 30 s after the first attempt, then twice as long each time, up to ten minutes. */
export function retryDelay(attempts: number): DurationMicros {
  const doubled = FIRST_RETRY * 2n ** BigInt(Math.min(attempts - 1, 10));
  return (doubled < LONGEST_RETRY ? doubled : LONGEST_RETRY) as DurationMicros;
}
