import type { SimpleFunction } from '../core/aggregation.ts';
import type { ScalarType, ValueType } from '../core/value-type.ts';

/** `T` is the feature's type as far as TypeScript can know it; `plan` decides and checks it against the source. */
export interface SimpleAggregationDefinition<T extends ValueType = ValueType> {
  readonly kind: 'simple';
  readonly fn: SimpleFunction;
  readonly column: string | null;
  readonly window: string;
  readonly where: string | null;
  readonly argument: number | null;
  /** The declared type; null: what the function and the column give. */
  readonly type: T | null;
}

export interface RatioAggregationDefinition {
  readonly kind: 'ratio';
  readonly numerator: SimpleAggregationDefinition;
  readonly denominator: SimpleAggregationDefinition;
}

export type AggregationDefinition<T extends ValueType = ValueType> =
  | SimpleAggregationDefinition<T>
  | (T extends 'float64' ? RatioAggregationDefinition : never);

export interface AggregationOptions<T extends ValueType = ValueType> {
  /** A SQL condition over source columns; rows that do not meet it are left out. */
  readonly where?: string;
  /** The feature's type, when it should be another than the column gives (int32 as int64, int64 as float64). */
  readonly type?: T;
}

function simple<T extends ValueType>(
  fn: SimpleFunction,
  column: string | null,
  window: string,
  options: AggregationOptions<T> | undefined,
  argument: number | null = null,
): SimpleAggregationDefinition<T> {
  return {
    // An option that does not exist stays visible, so that `plan` can name it.
    ...options,
    kind: 'simple',
    fn,
    column,
    window,
    where: options?.where ?? null,
    argument,
    type: options?.type ?? null,
  };
}

/** Rows in the window: `count('7d')`; or values that are not null: `count('column', '7d')`. int64, never null. */
export function count(
  window: string,
  options?: AggregationOptions<'int64'>,
): SimpleAggregationDefinition<'int64'>;
export function count(
  column: string,
  window: string,
  options?: AggregationOptions<'int64'>,
): SimpleAggregationDefinition<'int64'>;
export function count(
  first: string,
  second?: string | AggregationOptions<'int64'>,
  options?: AggregationOptions<'int64'>,
): SimpleAggregationDefinition<'int64'> {
  return typeof second === 'string'
    ? simple('count', first, second, options)
    : simple('count', null, first, second);
}

/** Distinct values that are not null. int64, never null. */
export function countDistinct(column: string, window: string, options?: AggregationOptions<'int64'>) {
  return simple<'int64'>('countDistinct', column, window, options);
}

/** Sum. float64, or exact with `type: 'int64'` over whole numbers. Null over no values. */
export function sum(
  column: string,
  window: string,
  options?: AggregationOptions<never>,
): SimpleAggregationDefinition<'float64'>;
export function sum<T extends 'int64' | 'float64'>(
  column: string,
  window: string,
  options: AggregationOptions<T> & { readonly type: T },
): SimpleAggregationDefinition<T>;
export function sum(
  column: string,
  window: string,
  options?: AggregationOptions,
): SimpleAggregationDefinition {
  return simple('sum', column, window, { type: 'float64', ...options });
}

/** Arithmetic mean. float64, null over no values. */
export function avg(column: string, window: string, options?: AggregationOptions<'float64'>) {
  return simple<'float64'>('avg', column, window, options);
}

/** The smallest value, of the column's type. */
export function min<T extends ScalarType = ScalarType>(
  column: string,
  window: string,
  options?: AggregationOptions<T>,
) {
  return simple<T>('min', column, window, options);
}

/** The largest value, of the column's type. */
export function max<T extends ScalarType = ScalarType>(
  column: string,
  window: string,
  options?: AggregationOptions<T>,
) {
  return simple<T>('max', column, window, options);
}

/** Sample standard deviation (n − 1). float64, null below two values. */
export function stddev(column: string, window: string, options?: AggregationOptions<'float64'>) {
  return simple<'float64'>('stddev', column, window, options);
}

/** The middle value, interpolated. float64. */
export function median(column: string, window: string, options?: AggregationOptions<'float64'>) {
  return simple<'float64'>('median', column, window, options);
}

/** The value below which `share` of the values lie (0 to 1), interpolated linearly (SQL's percentile_cont). */
export function quantile(
  column: string,
  share: number,
  window: string,
  options?: AggregationOptions<'float64'>,
) {
  return simple<'float64'>('quantile', column, window, options, share);
}

/** The most frequent value, the smallest of equally frequent ones; of the column's type. */
export function mode<T extends ScalarType = ScalarType>(
  column: string,
  window: string,
  options?: AggregationOptions<T>,
) {
  return simple<T>('mode', column, window, options);
}

/** The earliest value that is not null, of the column's type. */
export function first<T extends ScalarType = ScalarType>(
  column: string,
  window: string,
  options?: AggregationOptions<T>,
) {
  return simple<T>('first', column, window, options);
}

/** The newest value that is not null, of the column's type. */
export function last<T extends ScalarType = ScalarType>(
  column: string,
  window: string,
  options?: AggregationOptions<T>,
) {
  return simple<T>('last', column, window, options);
}

/** The newest `n` values that are not null, oldest first; an array of the column's type, null over no values. */
export function collectList<T extends `array<${ScalarType}>` = `array<${ScalarType}>`>(
  column: string,
  n: number,
  window: string,
  options?: AggregationOptions<T>,
) {
  return simple<T>('collectList', column, window, options, n);
}

/** numerator / denominator; null when the denominator is null or zero. float64. */
export function ratio(
  numerator: SimpleAggregationDefinition,
  denominator: SimpleAggregationDefinition,
): RatioAggregationDefinition {
  return { kind: 'ratio', numerator, denominator };
}
