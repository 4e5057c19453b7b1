import type { NamedAggregation } from './aggregation.ts';
import type { JoinKey, Metadata } from './entity.ts';
import type { Column, SourceSpec } from './source.ts';
import type { ValueType } from './value-type.ts';

/**
 * Compiled definitions: plain JSON, self-contained, as the registry keeps them and every later stop reads them.
 * Durations (`7d`) and times (ISO) stay text here so that a diff of two specs reads as a person wrote them.
 */
export interface FeatureSpec {
  readonly name: string;
  readonly type: ValueType;
  readonly description: string;
}

export type Transformation =
  | { readonly kind: 'aggregations'; readonly aggregations: readonly NamedAggregation[] }
  | {
      readonly kind: 'sql';
      /** A query over the sources by name, with `$interval_start` and `$interval_end`. */
      readonly query: string;
      /** SHA-256 of the parsed query: formatting and comments are not part of a view's identity. */
      readonly queryDigest: string;
      /** How many intervals one query may span; null for any number (the query is row-wise in time). */
      readonly intervalsPerQuery: number | null;
    }
  | { readonly kind: 'passthrough' };

/** A data-quality rule on the rows of one computed chunk of intervals; a failing one holds the chunk. */
export type QualityRule =
  | { readonly kind: 'minRows'; readonly rows: number }
  | { readonly kind: 'maxNullShare'; readonly feature: string; readonly share: number }
  | {
      readonly kind: 'between';
      readonly feature: string;
      readonly min: number | null;
      readonly max: number | null;
    };

export interface BatchViewSpec extends Metadata {
  readonly kind: 'batch_view';
  readonly name: string;
  readonly version: number;
  readonly entities: readonly string[];
  /** Of all its entities, in their order; no name twice. None: its rows are those of one entity, which has no key. */
  readonly joinKeys: readonly JoinKey[];
  readonly sources: readonly SourceSpec[];
  readonly transformation: Transformation;
  /** Event time and created time in the transformation's input (aggregations, passthrough) or output (sql). */
  readonly timestampField: string;
  readonly createdTimestampField: string | null;
  /** When a row ceases to be true, in the source of a passthrough; absent: rows do not end. */
  readonly validTo?: string;
  /** Of a passthrough of a push source: pushed rows are online when the push is answered. Absent: by its schedule. */
  readonly stream?: true;
  readonly features: readonly FeatureSpec[];
  readonly schedule: string;
  readonly startTime: string;
  readonly dataDelay: string;
  /** Max age online and in as-of joins; null: values do not age. */
  readonly ttl: string | null;
  readonly freshnessSla: string | null;
  readonly online: boolean;
  /** Whether its schedule stands still; backfills and runs by hand go on. */
  readonly paused: boolean;
  readonly quality: readonly QualityRule[];
  /** SHA-256 of what decides the values (not of names, owners, SLAs, paths): the version's identity. */
  readonly fingerprint: string;
}

export type OnDemandInput =
  | {
      readonly kind: 'view';
      readonly name: string;
      readonly view: string;
      readonly version: number;
      readonly features: readonly FeatureSpec[];
    }
  | { readonly kind: 'request'; readonly name: string; readonly fields: readonly Column[] };

/** A TypeScript function of features and request data; the function itself stays in the feature repository. */
export interface OnDemandViewSpec extends Metadata {
  readonly kind: 'on_demand_view';
  readonly name: string;
  readonly version: number;
  readonly inputs: readonly OnDemandInput[];
  readonly features: readonly FeatureSpec[];
  readonly fingerprint: string;
  /** `functionDigest` of its function; absent in what was applied before it was looked at. */
  readonly functionDigest?: string;
}

export type FeatureViewSpec = BatchViewSpec | OnDemandViewSpec;

/** Names one version of one view of one project. */
export interface ViewVersion {
  readonly project: string;
  readonly view: string;
  readonly version: number;
}

export function formatViewVersion({ view, version }: Pick<ViewVersion, 'view' | 'version'>): string {
  return `${view}@v${version}`;
}
