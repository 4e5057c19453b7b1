import { isExpired } from '../core/is-expired.ts';
import type { FeatureRow } from '../core/rows.ts';
import type { Micros } from '../core/time.ts';
import type { DistinctKeys } from './build-keys.ts';
import type { PlannedPart } from './read-plan.ts';

/** What one reading of a view gave, by the request's rows. */
export interface PartRows {
  /** Undefined: nothing is stored for this row's key. */
  readonly rows: readonly (FeatureRow | undefined)[];
  /**
   * 1: older than the TTL, counted from the event time; exactly as old is not expired. Or no longer
   * true; at the very time at which it ends, it has ended.
   */
  readonly expired: Uint8Array;
  /** Null where nothing is stored; all columns of the part share the list. */
  readonly eventTimes: readonly (Micros | null)[];
  /** Where each of the part's features stands in a stored row. */
  readonly positions: readonly number[];
}

export function serveRows(
  { ttl, positions }: PlannedPart,
  distinct: DistinctKeys | undefined,
  stored: readonly (FeatureRow | undefined)[],
  now: Micros,
): PartRows {
  const indexes = distinct?.indexes ?? new Int32Array();
  const rows = new Array<FeatureRow | undefined>(indexes.length);
  const expired = new Uint8Array(indexes.length);
  const eventTimes = new Array<Micros | null>(indexes.length);
  for (let index = 0; index < indexes.length; index++) {
    const row = stored[indexes[index] ?? -1];
    rows[index] = row;
    eventTimes[index] = row === undefined ? null : row.eventTime;
    if (row !== undefined && isExpired(row, ttl, now)) expired[index] = 1;
  }
  return { rows, expired, eventTimes, positions };
}
