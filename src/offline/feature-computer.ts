import type { BatchViewSpec } from '../core/feature-view.ts';
import type { Interval } from '../core/interval.ts';
import type { StagedFile } from '../ledger/ledger.ts';

/**
 * Computes many adjacent intervals of a batch view in one pass into a staged Parquet file.
 *
 * The same intervals give the same values, to the bit, however they are cut into ranges; the same range and input
 * give the same bytes. `range` always begins and ends on ticks of the view's schedule. Rows are unique in
 * (key, event time, created time) and sorted by event time, key and created time.
 *
 * Shapes: aggregations give one row per entity and tick e whose largest window [e − w, e) holds events, and one
 * more at the first tick after it has run empty (so that a served value goes back to nothing); its event time is
 * e, its created time the larger of e + data delay and the newest created time in the window. SQL and
 * pass-through rows keep their own event times, and their created time or, without one, their event time.
 */
export interface FeatureComputer {
  /** Names everything of the computer that decides the bytes it writes. */
  readonly version: string;
  /** Digest of the source rows that decide the range, window lookback included; independent of row order. */
  inputDigest(view: BatchViewSpec, range: Interval, signal?: AbortSignal): Promise<string>;
  /**
   * Writes the file at `path` (relative to the offline root, folders made) by rename, so that it is there as a
   * whole or not at all. Null when there were no rows. Aborting interrupts the running query: CANCELLED.
   */
  compute(request: ComputeRequest): Promise<StagedFile | null>;
  /** Per-feature statistics of files, for quality rules and for the comparison of two versions. */
  profile(view: BatchViewSpec, files: readonly FileSlice[], signal?: AbortSignal): Promise<FeatureProfile>;
}

export interface ComputeRequest {
  readonly view: BatchViewSpec;
  readonly range: Interval;
  readonly path: string;
  readonly signal?: AbortSignal;
}

/** A file, and the part of it that counts (rows whose interval end lies in (start, end]); undefined for all. */
export interface FileSlice {
  readonly path: string;
  readonly range?: Interval;
}

export interface FeatureProfile {
  readonly rows: number;
  readonly entities: number;
  readonly features: readonly FeatureStatistics[];
}

export interface FeatureStatistics {
  readonly feature: string;
  readonly nulls: number;
  /** Of numeric features, over values that are not null; else null. */
  readonly min: number | null;
  readonly max: number | null;
  readonly mean: number | null;
}
