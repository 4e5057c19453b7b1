import type { ColumnTypes } from './column-types.ts';
import type { MetadataInput } from './metadata.ts';

export interface PushSourceInput<Columns extends ColumnTypes = ColumnTypes> extends MetadataInput {
  readonly name: string;
  /** Every column of a pushed row, with its type, but for those of its times. */
  readonly columns: Columns;
  /** The column of event times. */
  readonly timestampField: string;
  /** The column of times at which rows were written. Without it that is when Tidemark received them. */
  readonly createdTimestampField?: string;
}

/** `Columns` lists the columns for views that pass them through. */
export interface PushSourceDefinition<Columns extends ColumnTypes = ColumnTypes> {
  readonly kind: 'push_source';
  readonly config: PushSourceInput<Columns>;
}

/** Rows that are sent to `POST /push`: to the online store at once, and to files that views are computed from. */
export function pushSource<const Columns extends ColumnTypes>(
  config: PushSourceInput<Columns>,
): PushSourceDefinition<Columns> {
  return { kind: 'push_source', config };
}
