import type { Metadata } from './entity.ts';
import type { ValueType } from './value-type.ts';

export interface Column {
  readonly name: string;
  readonly type: ValueType;
}

/** Rows in files: a path or glob, relative to the feature repository unless absolute. */
export interface FileSourceSpec extends Metadata {
  readonly kind: 'parquet' | 'csv';
  readonly name: string;
  readonly path: string;
  /** Event time: when what the row tells happened. */
  readonly timestampField: string;
  /** When the row was written; null when the source does not know. */
  readonly createdTimestampField: string | null;
  /** Columns promised by the definition, checked against the files; empty when none are declared. */
  readonly columns: readonly Column[];
}

/** Values that come with the request (serving) or stand in the spine (training). */
export interface RequestSourceSpec {
  readonly kind: 'request';
  readonly fields: readonly Column[];
}

/** Sources that rows are read from; grows with the adapters that read them. */
export type SourceSpec = FileSourceSpec;
