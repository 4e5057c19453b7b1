import type { QualityRule } from '../core/feature-view.ts';
import type { ValueType } from '../core/value-type.ts';
import type {
  AggregationDefinition,
  RatioAggregationDefinition,
  SimpleAggregationDefinition,
} from './aggregation.ts';
import type { EntityDefinition } from './entity.ts';
import type { MetadataInput } from './metadata.ts';
import type { SourceDefinition } from './source.ts';

export type FeatureTypes = Readonly<Record<string, ValueType>>;
export type Aggregations = Readonly<Record<string, AggregationDefinition | RatioAggregationDefinition>>;

interface CommonInput<Name extends string> extends MetadataInput {
  readonly name: Name;
  readonly version: number;
  /** What its features describe. `[]`: a view without keys, one series of rows that holds for every entity. */
  readonly entities: readonly EntityDefinition[];
  /** Cron with five fields, UTC: the ticks between which the intervals lie. */
  readonly schedule: string;
  /** ISO time at which the first interval begins (rounded up to a tick). */
  readonly startTime: string;
  /** How long after an interval's end its data is complete; default `0s`. */
  readonly dataDelay?: string;
  /** How old a value may be when it is used, online and in as-of joins alike; default: any age. */
  readonly ttl?: string;
  /** How far the watermark may lie behind now before people are told. */
  readonly freshnessSla?: string;
  /**
   * Whether values are published to the online store; default true. Turned on later, only new values are published:
   * `tidemark materialize VIEW --republish` brings the rest.
   */
  readonly online?: boolean;
  /** Whether its schedule stands still; backfills and runs by hand go on. Default false. */
  readonly paused?: boolean;
  /** Rules that hold an interval when they fail. */
  readonly quality?: readonly QualityRule[];
}

export interface AggregationViewInput<Name extends string, A extends Aggregations> extends CommonInput<Name> {
  readonly source: SourceDefinition;
  readonly aggregations: A;
}

export interface SqlViewInput<Name extends string, F extends FeatureTypes> extends CommonInput<Name> {
  /** The sources the query names. */
  readonly sources: readonly SourceDefinition[];
  /**
   * A query over its sources by name, with `$interval_start` and `$interval_end`. Its rows hold the join keys, the
   * features and `timestampField`, with event times in [start, end).
   */
  readonly sql: string;
  readonly features: F;
  /** The query's column of event times; default `event_timestamp`. */
  readonly timestampField?: string;
  readonly createdTimestampField?: string;
  /**
   * How many intervals one query may span. Default: any number, so the query must be row-wise in time; 1 lets it
   * summarise its interval. Event times may then also be `$interval_end`; a row there that the next interval's query
   * gives too is the next interval's.
   */
  readonly intervalsPerQuery?: number;
}

export interface PassThroughViewInput<Name extends string, F extends FeatureTypes> extends CommonInput<Name> {
  readonly source: SourceDefinition;
  /** Source columns that become features, with their types. */
  readonly features: F;
  /** Set by `streamFeatureView`. */
  readonly stream?: true;
}

export type BatchViewInput =
  | AggregationViewInput<string, Aggregations>
  | SqlViewInput<string, FeatureTypes>
  | PassThroughViewInput<string, FeatureTypes>;

/** `F` lists the features' types for editors and for on-demand transforms. */
export interface BatchViewDefinition<Name extends string = string, F extends FeatureTypes = FeatureTypes> {
  readonly kind: 'batch_view';
  readonly config: BatchViewInput & { readonly name: Name };
  /** Some features of this view, for a feature service. */
  pick<const K extends keyof F & string>(...features: readonly K[]): ViewSelection<Pick<F, K>>;
  /** Never set: carries the features' types. */
  readonly featureTypes?: F;
}

/** A view with only some of its features. */
export interface ViewSelection<F extends FeatureTypes = FeatureTypes> {
  readonly kind: 'view_selection';
  readonly view: {
    readonly kind: 'batch_view' | 'on_demand_view';
    readonly config: { readonly name: string; readonly version: number };
  };
  readonly features: readonly string[];
  /** Never set: carries the features' types. */
  readonly featureTypes?: F;
}

export type AggregationFeatureTypes<A extends Aggregations> = {
  readonly [K in keyof A]: A[K] extends SimpleAggregationDefinition<infer T> ? T : 'float64';
};

/** Features computed in batches: by declared aggregations, by SQL, or passed through from the source. */
export function batchFeatureView<const Name extends string, const A extends Aggregations>(
  config: AggregationViewInput<Name, A>,
): BatchViewDefinition<Name, AggregationFeatureTypes<A>>;
export function batchFeatureView<const Name extends string, const F extends FeatureTypes>(
  config: SqlViewInput<Name, F>,
): BatchViewDefinition<Name, F>;
export function batchFeatureView<const Name extends string, const F extends FeatureTypes>(
  config: PassThroughViewInput<Name, F>,
): BatchViewDefinition<Name, F>;
export function batchFeatureView(config: BatchViewInput): BatchViewDefinition {
  const view: BatchViewDefinition = {
    kind: 'batch_view',
    config,
    pick: (...features) => ({ kind: 'view_selection', view, features }),
  };
  return view;
}
