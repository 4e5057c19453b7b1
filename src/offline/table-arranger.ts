import type { TableFormat } from '../core/table-format.ts';

export type { TableFormat };

/** Writes a table of rows as the files that people want: in parts, in several files, in other formats. */
export interface TableArranger {
  /**
   * The files, parts in order, each written under another name first. Rows keep their order within a part; the same
   * table and layout give the same bytes. A part without rows is a file without rows.
   */
  arrange(request: ArrangeRequest): Promise<readonly ArrangedFile[]>;
}

export interface ArrangeRequest {
  /** A Parquet file, absolute. */
  readonly from: string;
  /** Absolute; it must be there. */
  readonly folder: string;
  /** What files are called when there are no parts. */
  readonly name: string;
  readonly layout: TableLayout;
  /** The column that rows are split by time on. */
  readonly timestampField: string;
  /** All when undefined. */
  readonly columns?: readonly string[];
  /** The sizes of the columns that hold vectors: Parquet keeps them as lists, Arrow as what they are. */
  readonly vectors?: Readonly<Record<string, number>>;
  readonly signal?: AbortSignal;
}

export interface TableLayout {
  readonly format: TableFormat;
  /** Null: as many as there are. */
  readonly rowsPerFile: number | null;
  readonly split: TableSplit | null;
}

/**
 * Shares are whole percents that add up to 100, of two parts (train, test) or three (train, validation, test).
 *
 * `time`: the earliest rows train; rows of equal time are in one part. `entity`: by a hash of these columns' values
 * that stays the same in all versions, so that equal values are in one part, in every set.
 */
export type TableSplit =
  | { readonly kind: 'time'; readonly shares: readonly number[] }
  | { readonly kind: 'entity'; readonly shares: readonly number[]; readonly columns: readonly string[] };

export interface ArrangedFile {
  /** Relative to the folder. */
  readonly path: string;
  /** Null when there is no split. */
  readonly part: string | null;
  readonly rows: number;
  readonly bytes: number;
  /** SHA-256 */
  readonly digest: string;
}

export function partNames({ shares }: TableSplit): readonly string[] {
  return shares.length === 2 ? ['train', 'test'] : ['train', 'validation', 'test'];
}
