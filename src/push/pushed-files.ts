import type { Interval } from '../core/interval.ts';
import type { Micros } from '../core/time.ts';

/**
 * The record of pushed rows that have become files. A file is visible only through its record (DESIGN 6), and what
 * is recorded is never taken back.
 */
export interface PushedFiles {
  /** A path that is recorded already stays as it is. */
  record(file: PushedFile): Promise<void>;
  isRecorded(path: string): Promise<boolean>;
  /** Files that may hold rows with `from ≤ event time < to`, in the order in which they were recorded. */
  files(source: PushedSource, range?: EventTimes): Promise<readonly PushedFile[]>;
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
