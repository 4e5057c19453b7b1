import { compareRecency } from './newer.ts';
import type { FeatureRow } from './rows.ts';
import type { DurationMicros, Micros } from './time.ts';
import type { KeyValue } from './value-type.ts';

/**
 * The reference of the as-of join: slow, plain, and what every engine must equal.
 *
 * For an entity row (key, t), a view with TTL d and data delay w:
 * 1. keys are equal by type and value; a null key matches nothing;
 * 2. event time e with e + w ≤ t, and e ≥ t − d when there is a TTL, both ends included;
 * 3. known-at: with a cut-off only rows created at or before it, with `'row'` at or before t; among the rows of a view
 *    are then those that `replacedRows` finds in earlier revisions;
 * 4. the winner has the greatest event time, then created time, then revision;
 * 5. one answer per entity row, in order, null when nothing matches.
 *
 * A view with validity: the winner counts only for t < valid to. (The winner first: the online store holds one row per
 * entity, so serving can do no other.) A label view looks forward instead of rule 2: t < e ≤ t + horizon; of rule 3
 * only a cut-off applies to it; and its winner counts when it is true at the end of the horizon.
 */
export type KnownAt =
  | { readonly kind: 'any' }
  | { readonly kind: 'row' }
  | { readonly kind: 'cutoff'; readonly at: Micros };

export interface EntityRow {
  readonly key: readonly (KeyValue | null)[];
  readonly time: Micros;
}

export interface AsOfRules {
  readonly ttl: DurationMicros | null;
  readonly dataDelay: DurationMicros;
  readonly knownAt: KnownAt;
  /** Looks forward, for labels; TTL and data delay do not apply. */
  readonly horizon?: DurationMicros;
}

export function asOf(
  spine: readonly EntityRow[],
  rows: readonly FeatureRow[],
  rules: AsOfRules,
): readonly (FeatureRow | null)[] {
  return spine.map((entityRow) => {
    let winner: FeatureRow | null = null;
    for (const row of rows) {
      if (!isVisible(row, entityRow, rules)) continue;
      if (winner === null || compareRecency(row, winner) > 0) winner = row;
    }
    const validTo = winner?.validTo ?? null;
    return validTo === null || entityRow.time + (rules.horizon ?? 0n) < validTo ? winner : null;
  });
}

/**
 * What of `before`, rows of earlier revisions, counts beside `now` under rule 3: a row whose key and event time a row
 * of `now` has that was known later, so that what it said was known until then. What a restatement gives no more, or
 * corrects without saying when that was known, does not come back.
 */
export function replacedRows(
  before: readonly FeatureRow[],
  now: readonly FeatureRow[],
): readonly FeatureRow[] {
  return before.filter((row) =>
    now.some(
      ({ key, eventTime, createdTime }) =>
        eventTime === row.eventTime &&
        createdTime > row.createdTime &&
        key.every((part, index) => part === row.key[index]),
    ),
  );
}

function isVisible(
  row: FeatureRow,
  { key, time }: EntityRow,
  { ttl, dataDelay, knownAt, horizon }: AsOfRules,
): boolean {
  if (
    !key.every(
      (part, index) => part !== null && typeof part === typeof row.key[index] && part === row.key[index],
    )
  ) {
    return false;
  }
  if (horizon !== undefined) {
    if (row.eventTime <= time || row.eventTime > time + horizon) return false;
  } else {
    if (row.eventTime + dataDelay > time) return false;
    if (ttl !== null && row.eventTime < time - ttl) return false;
  }
  switch (knownAt.kind) {
    case 'any':
      return true;
    case 'row':
      return horizon !== undefined || row.createdTime <= time;
    case 'cutoff':
      return row.createdTime <= knownAt.at;
  }
}
