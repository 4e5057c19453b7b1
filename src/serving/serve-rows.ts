import type { FeatureRow } from '../core/rows.ts';
import type { DurationMicros, Micros } from '../core/time.ts';
import type { DistinctKeys } from './build-keys.ts';
import type { PlannedPart } from './read-plan.ts';

/** What one reading of a view gave, by the request's rows. */
export interface PartRows {
  /** Undefined: nothing is stored for this row's key. */
  readonly at: (row: number) => ServedRow | undefined;
  /** Where each of the part's features stands in a stored row. */
  readonly positions: readonly number[];
}

export interface ServedRow {
  readonly row: FeatureRow;
  /**
   * Older than the TTL, counted from the event time; exactly as old is not expired (DESIGN 7, rule 2). Or no longer
   * true; at the very time at which it ends, it has ended.
   */
  readonly expired: boolean;
}

export function serveRows(
  { ttl, positions }: PlannedPart,
  distinct: DistinctKeys | undefined,
  stored: readonly (FeatureRow | undefined)[],
  now: Micros,
): PartRows {
  const served = stored.map((row) =>
    row === undefined ? undefined : { row, expired: isExpired(row, ttl, now) },
  );
  return { positions, at: (row) => served[distinct?.indexes[row] ?? -1] };
}

/** Whether an as-of join for `now` whose newest row is this one would give no value. */
export function isExpired(
  { eventTime, validTo = null }: Pick<FeatureRow, 'eventTime' | 'validTo'>,
  ttl: DurationMicros | null,
  now: Micros,
): boolean {
  return (ttl !== null && now - eventTime > ttl) || (validTo !== null && now >= validTo);
}
