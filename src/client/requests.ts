import type { FeatureStatus } from '../core/rows.ts';
import type { Micros } from '../core/time.ts';
import type { Value, ValueOf } from '../core/value-type.ts';
import type { ViewAlias } from '../core/view-alias.ts';
import type { FeatureServiceDefinition } from '../define/feature-service.ts';
import type { BatchViewDefinition, FeatureTypes } from '../define/feature-view.ts';
import type { OnDemandViewDefinition } from '../define/on-demand-view.ts';

/** Join keys and request data of one row, by name; a time may be a Date or ISO text. */
export type EntityInput = Readonly<Record<string, Value | Date>>;

export interface ReadOptions {
  /** One entity, or one combination of them, a row. Left out where nothing that is read has keys: one row. */
  readonly entities?: readonly EntityInput[];
  /** Give values older than their view's TTL too; their status stays OUTSIDE_MAX_AGE. */
  readonly includeExpired?: boolean;
  readonly signal?: AbortSignal;
}

/** Features of one view, at the version of its definition. */
export interface ViewRequest<F extends FeatureTypes, K extends keyof F & string> extends ReadOptions {
  readonly view: BatchViewDefinition<string, F> | OnDemandViewDefinition<string, F>;
  /** Default: all. */
  readonly features?: readonly K[];
}

/** All features of a service. */
export interface ServiceRequest<F extends FeatureTypes> extends ReadOptions {
  readonly service: FeatureServiceDefinition<F>;
}

/** By name: a service's, or references such as `view:feature`, `view@v2:feature` and `view:*`. */
export type NamedRequest = ReadOptions & {
  /** `view__feature` in place of `feature`. */
  readonly fullNames?: boolean;
  /** Reads a view under other keys than its own. */
  readonly aliases?: readonly ViewAlias[];
} & ({ readonly service: string } | { readonly features: readonly string[] });

/** One entity row's features, by name. */
export interface FeatureResult<F extends FeatureTypes> {
  /** The join keys, as the server understood them. */
  readonly entity: Readonly<Record<string, Value>>;
  readonly values: { readonly [K in keyof F]: ValueOf<F[K]> | null };
  readonly statuses: { readonly [K in keyof F]: FeatureStatus };
  /** UTC microseconds; null where nothing is stored, and for on-demand features. */
  readonly eventTimes: { readonly [K in keyof F]: Micros | null };
}

/** The same where the names are known at run time only. */
export interface NamedFeatureResult {
  readonly entity: Readonly<Record<string, Value>>;
  readonly values: Readonly<Record<string, Value>>;
  readonly statuses: Readonly<Record<string, FeatureStatus>>;
  readonly eventTimes: Readonly<Record<string, Micros | null>>;
}
