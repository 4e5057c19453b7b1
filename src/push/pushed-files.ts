import type { Interval } from '../core/interval.ts';
import type { DurationMicros, Micros } from '../core/time.ts';

/**
 * The record of pushed rows that have become files. A file is visible only through its record, and rows
 * that are recorded are never taken back: files are only replaced by one that holds the same rows.
 */
export interface PushedFiles {
  /** A path that is recorded already stays as it is. */
  record(file: PushedFile): Promise<void>;
  isRecorded(path: string): Promise<boolean>;
  /** Files that may hold rows with `from ≤ event time < to`, in the order in which they were recorded. */
  files(source: PushedSource, range?: EventTimes): Promise<readonly PushedFile[]>;
  /**
   * Shows `by` in place of the files at `paths`, in one moment; by no means are its rows new. False, and nothing
   * changes, when one of them has been replaced already.
   */
  replace(paths: readonly string[], by: PushedFile): Promise<boolean>;
  /** Files that have been replaced for longer than this, and were not removed yet. */
  replaced(source: PushedSource, longerThan: DurationMicros): Promise<readonly string[]>;
  /** Notes that the files at these paths are gone. */
  removed(paths: readonly string[]): Promise<void>;
}

export interface PushedSource {
  readonly project: string;
  readonly source: string;
}

export interface EventTimes {
  readonly from?: Micros | undefined;
  readonly to?: Micros | undefined;
}

export interface PushedFile extends PushedSource {
  /** Relative to the offline store's root. */
  readonly path: string;
  readonly rows: number;
  readonly bytes: number;
  /** SHA-256 of the file's bytes. */
  readonly digest: string;
  /** Whole minutes of UTC that hold all event times of the file: where late rows belong is told by these. */
  readonly eventTimes: readonly Interval[];
}
