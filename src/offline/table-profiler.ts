/** Says how the values of a table's columns are distributed: training sets are compared and looked at by it. */
export interface TableProfiler {
  /** SOURCE_UNREADABLE when a file cannot be read. The same rows give the same profile. */
  profile(table: TableFiles, signal?: AbortSignal): Promise<TableProfile>;
}

/** Files that are one table together. */
export interface TableFiles {
  readonly format: 'parquet' | 'csv';
  /** Absolute, at least one. */
  readonly paths: readonly string[];
}

export interface TableProfile {
  readonly rows: number;
  readonly columns: readonly ColumnProfile[];
}

export interface ColumnProfile {
  readonly name: string;
  /** As the engine writes types: `BIGINT`, `DOUBLE[]`. */
  readonly type: string;
  readonly nulls: number;
  /** The least and greatest value as text, exact, of numbers and times; null without any. */
  readonly least: string | null;
  readonly greatest: string | null;
  /** Null for columns that hold no numbers, and when there is no finite one. */
  readonly numbers: NumberProfile | null;
  /** The commonest values of text, truth values and dates, commonest first; null for other types. */
  readonly top: readonly { readonly value: string; readonly count: number }[] | null;
}

/** Of the finite numbers of a column. */
export interface NumberProfile {
  readonly mean: number;
  /** `exact`: the value in all of its digits, where it is a whole number that a double does not hold. */
  readonly quantiles: readonly { readonly share: number; readonly value: number; readonly exact?: string }[];
  /** Not-a-numbers and infinities. */
  readonly notFinite: number;
  /** Counts in bins of equal width from `from` to `to`; one bin when these are equal. */
  readonly histogram: { readonly from: number; readonly to: number; readonly counts: readonly number[] };
}
