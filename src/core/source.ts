import type { Metadata } from './entity.ts';
import type { ValueType } from './value-type.ts';

export interface Column {
  readonly name: string;
  readonly type: ValueType;
}

/** `json` is one JSON object a line. */
export type FileFormat = 'parquet' | 'csv' | 'json';

export const PARTITION_GRANULARITIES = ['month', 'day', 'hour'] as const;

/** A `column=value` folder that tells the time (UTC) of the rows in it: `2026-01`, `2026-01-31`, `2026-01-31-23`. */
export interface TimePartition {
  readonly column: string;
  readonly granularity: (typeof PARTITION_GRANULARITIES)[number];
}

interface SourceFields extends Metadata {
  readonly name: string;
  /** Event time: when what the row tells happened. */
  readonly timestampField: string;
  /** When the row was written; null when the source does not know. */
  readonly createdTimestampField: string | null;
  /**
   * Of a slowly changing source: a row is true from its event time until before the time in this column, null there:
   * without end. Absent: rows tell what happened, and do not end.
   */
  readonly validTo?: string;
  /** Columns promised by the definition, checked against what is there; empty when none are declared. */
  readonly columns: readonly Column[];
}

/** Rows in files: a path or glob, relative to the feature repository unless absolute, or an `s3://` address. */
export interface FileSourceSpec extends SourceFields {
  readonly kind: FileFormat;
  readonly path: string;
  /** Whether `key=value` folders are columns; absent: they are when all files have the same keys. */
  readonly hivePartitioning?: boolean;
  /** Absent: all files are looked at for every range of time. */
  readonly partitionedBy?: TimePartition;
}

/** Rows of a Postgres table or query. The address is in the environment, and nowhere else. */
export interface PostgresSourceSpec extends SourceFields {
  readonly kind: 'postgres';
  /** The environment variable that holds the address. */
  readonly urlEnv: string;
  /** One of the two: a table (`events`, `shop.events`, `shop."events.2026"`), or a SELECT in Postgres' SQL. */
  readonly table: string | null;
  readonly query: string | null;
}

/**
 * Rows that were pushed to Tidemark. `columns` are all there are, beside the times and `RECEIVED_TIME`; rows that
 * agree in all of the source's columns and times are one row, so that a push may be repeated.
 */
export interface PushSourceSpec extends SourceFields {
  readonly kind: 'push';
  /** Whose rows: those of another project's source of that name are not seen. */
  readonly project: string;
}

/** The column of a push source that tells when its row was first received. */
export const RECEIVED_TIME = '__received_time';

/** The columns of a push source that are none of its times. */
export function valueColumns({
  columns,
  timestampField,
  createdTimestampField,
}: PushSourceSpec): readonly Column[] {
  return columns.filter(({ name }) => name !== timestampField && name !== createdTimestampField);
}

/** Sources that rows are read from; grows with the adapters that read them. */
export type SourceSpec = FileSourceSpec | PostgresSourceSpec | PushSourceSpec;

/** What a source is called in a sentence: where its rows lie, without anything secret. */
export function sourceAddress(source: SourceSpec): string {
  if (source.kind === 'push') return `pushed rows of "${source.name}"`;
  if (source.kind !== 'postgres') return source.path;
  return `${source.table === null ? 'a query' : source.table} in Postgres ($${source.urlEnv})`;
}
