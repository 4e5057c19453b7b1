import type { Interval } from '../core/interval.ts';
import type { Column, SourceSpec } from '../core/source.ts';
import type { Micros } from '../core/time.ts';

/** Looks at sources without computing anything: for validation and for the estimates of a plan. */
export interface SourceReader {
  /** Columns and their Tidemark types. SOURCE_UNREADABLE names the source, the path and the reason. */
  describe(source: SourceSpec): Promise<SourceDescription>;
  /** The columns a SQL view's query gives, and the digest of its parsed form. QUERY_INVALID says what is wrong. */
  describeQuery(query: string, sources: readonly SourceSpec[]): Promise<QueryDescription>;
  /** QUERY_INVALID unless the text is one SQL expression over the source's columns; returns its type. */
  describeExpression(expression: string, source: SourceSpec): Promise<SourceColumn['type']>;
  /** Rows, bytes and time span in `range` (all when undefined), from file statistics where they exist. */
  extent(source: SourceSpec, range?: Interval): Promise<SourceExtent>;
}

export interface SourceColumn {
  readonly name: string;
  /** Null when Tidemark has no type for it (a map, a struct); `engineType` is what the engine calls it. */
  readonly type: Column['type'] | null;
  readonly engineType: string;
}

export interface SourceDescription {
  readonly columns: readonly SourceColumn[];
}

export interface QueryDescription {
  readonly columns: readonly SourceColumn[];
  readonly digest: string;
}

export interface SourceExtent {
  readonly rows: number;
  readonly bytes: number;
  /** Undefined when there are no rows. */
  readonly first?: Micros;
  readonly last?: Micros;
}
