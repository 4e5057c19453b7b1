import type { FileFormat, TimePartition } from '../core/source.ts';
import type { ColumnTypes } from './column-types.ts';
import type { MetadataInput } from './metadata.ts';
import type { PushSourceDefinition } from './push-source.ts';

/** What tells a row's time: one of these two forms. */
export type RowTimes =
  | {
      /** The column of event times. */
      readonly timestampField: string;
      readonly validFrom?: never;
      readonly validTo?: never;
    }
  | {
      /**
       * Of a slowly changing source: the column of the time from which a row is true. It is the row's event time.
       * Only views whose columns pass through read such a source by its validity.
       */
      readonly validFrom: string;
      /** The column of the time from which the row is true no longer, later than `validFrom`; null there: no end. */
      readonly validTo: string;
      readonly timestampField?: never;
    };

interface FileSourceFields extends MetadataInput {
  readonly name: string;
  /** A file or glob, relative to the feature repository unless absolute. */
  readonly path: string;
  /** The column of times at which rows were written, when the source knows them. */
  readonly createdTimestampField?: string;
  /** Columns that must be there with these types, checked by `plan`; others may be there too. */
  readonly columns?: ColumnTypes;
  /** Whether `key=value` folders are columns; without it they are when all files have the same keys. */
  readonly hivePartitioning?: boolean;
  /**
   * The folder that tells the time (UTC) of the rows in it, such as `date=2026-01-31`: files of other times are not
   * read. Rows must lie in the folder of their event time.
   */
  readonly partitionedBy?: TimePartition;
}

export type FileSourceInput = FileSourceFields & RowTimes;

export interface FileSourceDefinition {
  readonly kind: 'file_source';
  readonly format: FileFormat;
  readonly config: FileSourceInput;
}

/** Rows in Parquet files. Times with a zone are normalised to UTC, naive ones are UTC. */
export function parquetSource(config: FileSourceInput): FileSourceDefinition {
  return { kind: 'file_source', format: 'parquet', config };
}

/**
 * Rows in CSV files with a header line. `""` is an empty text where a column is text and null in all others; nothing
 * without quotes is null everywhere.
 */
export function csvSource(config: FileSourceInput): FileSourceDefinition {
  return { kind: 'file_source', format: 'csv', config };
}

/** Rows in files of JSON lines (.jsonl, .ndjson): one object a line. */
export function jsonSource(config: FileSourceInput): FileSourceDefinition {
  return { kind: 'file_source', format: 'json', config };
}

interface PostgresSourceFields extends MetadataInput {
  readonly name: string;
  /** The environment variable that holds the address, such as `WAREHOUSE_URL`: the address itself is not kept. */
  readonly urlEnv: string;
  /**
   * A table, with its schema when it is not in the search path. This or `query`. Names are taken letter by letter
   * (`shop.Events` is no `shop.events`); one that holds a point is quoted as in SQL: `'shop."events.2026"'`.
   */
  readonly table?: string;
  /** A SELECT in Postgres' SQL. */
  readonly query?: string;
  /** The column of times at which rows were written, when the source knows them. */
  readonly createdTimestampField?: string;
  /** Columns that must be there with these types, checked by `plan`; others may be there too. */
  readonly columns?: ColumnTypes;
}

export type PostgresSourceInput = PostgresSourceFields & RowTimes;

export interface PostgresSourceDefinition {
  readonly kind: 'postgres_source';
  readonly config: PostgresSourceInput;
}

/** Rows of a Postgres table or query; only the range of time that is asked for is sent. */
export function postgresSource(config: PostgresSourceInput): PostgresSourceDefinition {
  return { kind: 'postgres_source', config };
}

/** Whatever a batch view reads rows from. */
export type SourceDefinition = FileSourceDefinition | PostgresSourceDefinition | PushSourceDefinition;

export interface RequestSourceDefinition<Fields extends ColumnTypes = ColumnTypes> {
  readonly kind: 'request_source';
  readonly fields: Fields;
}

/** Values that come with the request in serving, and stand in the spine in training. */
export function requestSource<const Fields extends ColumnTypes>(
  fields: Fields,
): RequestSourceDefinition<Fields> {
  return { kind: 'request_source', fields };
}
