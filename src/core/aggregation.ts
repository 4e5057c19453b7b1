/**
 * Declared aggregations. The row of interval end e summarises the events with e − window ≤ event time < e.
 *
 * - Nulls are ignored, except by `count` without a column, which counts rows.
 * - Over no values: count and countDistinct are 0, everything else is null.
 * - first, last and collectList order by event time, then created time, then value.
 * - mode takes the smallest of equally frequent values; stddev is the sample deviation (null below two values).
 * - quantile interpolates linearly between neighbours (Hyndman and Fan type 7, SQL's percentile_cont).
 */
export type SimpleFunction =
  | 'count'
  | 'countDistinct'
  | 'sum'
  | 'avg'
  | 'min'
  | 'max'
  | 'stddev'
  | 'median'
  | 'quantile'
  | 'mode'
  | 'first'
  | 'last'
  | 'collectList';

export interface SimpleAggregation {
  readonly kind: 'simple';
  readonly fn: SimpleFunction;
  /** The source column or SQL expression over source columns; null only for `count` of rows. */
  readonly column: string | null;
  /** A duration such as `7d`. */
  readonly window: string;
  /** A SQL condition over source columns that a row must meet to be counted; null for all rows. */
  readonly where: string | null;
  /** `quantile`: the share in [0, 1]; `collectList`: how many of the newest values, oldest first; else null. */
  readonly argument: number | null;
}

/** numerator / denominator; null when the denominator is null or zero. */
export interface RatioAggregation {
  readonly kind: 'ratio';
  readonly numerator: SimpleAggregation;
  readonly denominator: SimpleAggregation;
}

export type Aggregation = SimpleAggregation | RatioAggregation;

export interface NamedAggregation {
  readonly feature: string;
  readonly aggregation: Aggregation;
}
