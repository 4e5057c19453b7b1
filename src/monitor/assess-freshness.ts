import { freshnessOf } from '../core/freshness.ts';
import { addDuration, type DurationMicros, type Micros } from '../core/time.ts';

export type FreshnessStanding = 'ok' | 'at risk' | 'breached' | 'unknown';

export interface FreshnessAssessment {
  readonly state: FreshnessStanding;
  readonly age: DurationMicros;
  readonly sla: DurationMicros | null;
  /** When the SLA is breached unless the watermark moves before: watermark + SLA; null without an SLA. */
  readonly breachesAt: Micros | null;
}

/** At risk: more than 80 % of the SLA has gone by. Breached: more than all of it. */
export function assessFreshness(watermark: Micros, sla: string | null, now: Micros): FreshnessAssessment {
  const freshness = freshnessOf(watermark, sla, now);
  const { age, sla: limit } = freshness;
  if (limit === null) return { state: 'unknown', age, sla: null, breachesAt: null };
  const atRisk = age * 5n > limit * 4n;
  return {
    state: freshness.state === 'ok' && atRisk ? 'at risk' : freshness.state,
    age,
    sla: limit,
    breachesAt: addDuration(watermark, limit),
  };
}
