import type { BatchViewSpec } from '../core/feature-view.ts';
import type { FeatureRow, Withdrawal } from '../core/rows.ts';
import type { Micros } from '../core/time.ts';
import type { FileSlice } from './feature-computer.ts';

/** A slice and the revision its rows are published and compared under. */
export interface RevisedSlice extends FileSlice {
  readonly revision: number;
}

/** Reads rows back out of committed or staged files, in batches. */
export interface FeatureReader {
  /**
   * The newest row of each entity (event time, created time, revision) among the slices, in no particular order.
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

export interface LatestRequest {
  readonly view: BatchViewSpec;
  readonly slices: readonly RevisedSlice[];
  readonly notBefore?: Micros;
  readonly notAfter?: Micros;
  readonly signal?: AbortSignal;
}
