import type { FeatureRow } from './rows.ts';
import type { DurationMicros, Micros } from './time.ts';

/**
 * Whether the newest row of an entity is too old to be served at `now`, or no longer true: then an as-of join for that
 * time gives no value either (rule 2 of `as-of.ts`). Exactly as old as the TTL is not too old; at its end a row has
 * ended.
 */
export function isExpired(
  { eventTime, validTo = null }: Pick<FeatureRow, 'eventTime' | 'validTo'>,
  ttl: DurationMicros | null,
  now: Micros,
): boolean {
  return (ttl !== null && now - eventTime > ttl) || (validTo !== null && now >= validTo);
}
