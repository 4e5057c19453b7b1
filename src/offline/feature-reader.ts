import type { BatchViewSpec } from '../core/feature-view.ts';
import type { FeatureRow, Withdrawal } from '../core/rows.ts';
import type { Micros } from '../core/time.ts';
import type { KeyValue } from '../core/value-type.ts';
import type { FileSlice } from './feature-computer.ts';

/** A slice and the revision its rows are published and compared under. */
export interface RevisedSlice extends FileSlice {
  readonly revision: number;
}

/** Reads rows back out of committed or staged files, in batches. */
export interface FeatureReader {
  /**
   * The newest row of each entity (event time, created time, revision) among the slices, in no order but that of
   * `placeOf`.
   * Only rows with event time ≥ `notBefore` when it is given (older ones could not be served any more), and
   * ≤ `notAfter` when that is given.
   */
  latest(request: LatestRequest): AsyncIterable<readonly FeatureRow[]>;
  /**
   * What a restatement takes back: the newest row of each entity in `before` where `after` has none as new, and
   * the newest row of that entity in `after` and `beside` together.
   */
  withdrawn(request: WithdrawnRequest): AsyncIterable<readonly Withdrawal[]>;
}

export interface WithdrawnRequest {
  readonly view: BatchViewSpec;
  /** The range as it was, and as it is now. */
  readonly before: readonly RevisedSlice[];
  readonly after: readonly RevisedSlice[];
  /** The rest of the history. */
  readonly beside: readonly RevisedSlice[];
  readonly notBefore?: Micros;
  readonly signal?: AbortSignal;
}

/** Where rows of these key values belong: a whole number from 0 to 2^31-1. */
export type PlaceOf = (key: readonly KeyValue[]) => number;

export interface LatestRequest {
  readonly view: BatchViewSpec;
  readonly slices: readonly RevisedSlice[];
  readonly notBefore?: Micros;
  readonly notAfter?: Micros;
  /**
   * Brings rows of one place together, and places in order. Where there are too many rows to be ordered at once, they
   * come in several parts, each of which is in order.
   */
  readonly placeOf?: PlaceOf;
  readonly signal?: AbortSignal;
}
