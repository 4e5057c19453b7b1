import type { Micros } from './time.ts';
import type { KeyValue, Value } from './value-type.ts';

/**
 * The datum changes its type name on its way: an `EventRow` comes from a source, a `FeatureRow` is computed from such
 * rows, published and read again to be served. Training sets are made inside of the engine, column by column.
 */
export interface EventRow {
  readonly eventTime: Micros;
  readonly createdTime: Micros | null;
  readonly columns: Readonly<Record<string, Value>>;
}

/** Which of two values of one entity is newer: event time, then created time, then revision. */
export interface Recency {
  readonly eventTime: Micros;
  readonly createdTime: Micros;
  /** How often the interval was restated before; decided by the ledger. */
  readonly revision: number;
}

/** Values stand in the order of the view's features, key values in the order of its join keys. */
export interface FeatureRow extends Recency {
  readonly key: readonly KeyValue[];
  readonly values: readonly Value[];
  /**
   * Of views whose source tells it only: the row is true before this time, null: without end. A row that has ended
   * is still the newest of its entity, and hides the ones before it.
   */
  readonly validTo?: Micros | null;
}

/** A row that was published and is no longer true, and the newest one that is; undefined when there is none. */
export interface Withdrawal {
  readonly key: readonly KeyValue[];
  readonly was: Recency;
  readonly instead: FeatureRow | undefined;
}

/** Truthful statuses; the spelling is Feast's. INVALID: an on-demand function failed. */
export type FeatureStatus = 'PRESENT' | 'NULL_VALUE' | 'NOT_FOUND' | 'OUTSIDE_MAX_AGE' | 'INVALID';
