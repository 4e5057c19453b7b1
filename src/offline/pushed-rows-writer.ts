import type { Interval } from '../core/interval.ts';
import type { PushSourceSpec } from '../core/source.ts';

/** Makes a file of pushed rows. */
export interface PushedRowsWriter {
  /**
   * Writes the rows as Parquet at `path` (relative to the offline root) by rename, so that it is there as a whole or
   * not at all: the source's columns in their types, its times, and `RECEIVED_TIME`. The same lines give the same
   * bytes.
   */
  write(request: WritePushedRows): Promise<WrittenPushedRows>;
  /** Writes one file at `path` with the rows of all these, each once (`RECEIVED_TIME`: when it first was). */
  merge(request: MergePushedRows): Promise<Omit<WrittenPushedRows, 'eventTimes'>>;
  /** Removes a file; one that is not there is a success. */
  remove(path: string): Promise<void>;
}

export interface WritePushedRows {
  readonly source: PushSourceSpec;
  /**
   * A file of JSON lines, absolute: `t`, `c`, `r` are event, created and received time (µs), and `v<i>` the i-th
   * column of the source that is none of its times: bytes as base64, timestamps as µs. Lines without `t` are no rows.
   */
  readonly lines: string;
  /** In bytes: memory for twice as much is needed. */
  readonly longestLine: number;
  readonly path: string;
}

export interface MergePushedRows {
  /** Files made by `write` or `merge`, relative to the offline root. */
  readonly paths: readonly string[];
  readonly path: string;
}

export interface WrittenPushedRows {
  readonly rows: number;
  readonly bytes: number;
  readonly digest: string;
  /** Whole minutes (UTC) that hold all event times; neighbours are one, and far fewer than there may be minutes. */
  readonly eventTimes: readonly Interval[];
}
