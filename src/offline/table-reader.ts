import type { Column } from '../core/source.ts';
import type { Value } from '../core/value-type.ts';

/** Reads the Parquet files that Tidemark wrote (joined spines, training sets) back as values. */
export interface TableReader {
  /** Rows in the file's order, in batches; values stand in the order of `columns`. `path` is absolute. */
  read(
    path: string,
    columns: readonly Column[],
    signal?: AbortSignal,
  ): AsyncIterable<readonly (readonly Value[])[]>;
}
