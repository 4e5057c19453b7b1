import { type DurationMicros, durationOf, elapsed, type Micros } from './time.ts';

export type FreshnessState = 'ok' | 'breached' | 'unknown';

export interface Freshness {
  readonly state: FreshnessState;
  /** now − watermark; never since the last run, which may have computed something old. */
  readonly age: DurationMicros;
  readonly sla: DurationMicros | null;
}

/** A view without an SLA is `unknown`: nobody promised anything. */
export function freshnessOf(watermark: Micros, sla: string | null, now: Micros): Freshness {
  const age = elapsed(watermark, now);
  if (sla === null) return { state: 'unknown', age, sla: null };
  const limit = durationOf(sla);
  return { state: age > limit ? 'breached' : 'ok', age, sla: limit };
}
