import type { EventRow } from '../core/rows.ts';
import type { Micros } from '../core/time.ts';
import type { UnreadableSegment } from './unreadable-segments.ts';

/**
 * Where pushed rows are kept before they are files. What was appended survives a crash, and becomes
 * Parquet under `<offline>/<project>/pushed/<source>/` with the source's columns.
 */
export interface PushLog {
  /**
   * Resolves when the rows are durable (fsync). Rows are those of one source, in its columns. Appending the same
   * rows again adds them again.
   */
  append(batch: PushBatch): Promise<void>;
  /** Of what was appended, also by others to the same place, what turned out not to be readable; it is kept. */
  unreadable(): readonly UnreadableSegment[];
  close(): Promise<void>;
}

export interface PushBatch {
  readonly project: string;
  readonly source: string;
  readonly receivedAt: Micros;
  /**
   * `columns` holds a value for each of the source's declared columns; the times of its timestamp fields stand
   * apart. The created time is null exactly when the source has no field for it.
   */
  readonly rows: readonly EventRow[];
}
