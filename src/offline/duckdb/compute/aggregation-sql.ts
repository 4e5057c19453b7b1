import type { Aggregation, NamedAggregation, SimpleAggregation } from '../../../core/aggregation.ts';
import type { FeatureSpec } from '../../../core/feature-view.ts';
import { type DurationMicros, durationOf } from '../../../core/time.ts';
import { duckDbType } from '../types.ts';
import {
  type AggregateArgument,
  type NumberStats,
  numberKind,
  simpleAggregations,
} from './aggregate-arguments.ts';
import { exactShape, limbsSql, powerOfTwo, roundedSum } from './exact-sum-sql.ts';
import { type LayeredQuery, layeredQuery } from './layered-query.ts';
import { deviationSql, squareParts } from './stddev-sql.ts';

/** An argument together with what was found about it in the events. */
export interface KnownArgument extends AggregateArgument {
  readonly engineType: string;
  /** Of arguments that are summed as doubles. */
  readonly stats: NumberStats | null;
}

/** The SQL of all aggregations of a view, in three steps. */
export interface AggregationPlan {
  /** Columns computed of each event, on top of the events table. */
  readonly events: LayeredQuery;
  /** One window function each, on events and grid rows together. */
  readonly windowed: LayeredQuery;
  /** Columns computed of each grid row. */
  readonly finals: LayeredQuery;
  /** The features' values, in order, cast to their types. */
  readonly features: readonly string[];
  /** Distinct window lengths, ascending; the named window of the i-th is `__window<i>`. */
  readonly windows: readonly DurationMicros[];
}

export function windowsOf(named: readonly NamedAggregation[]): readonly DurationMicros[] {
  const lengths = simpleAggregations(named).map(({ window }) => durationOf(window));
  return [...new Set(lengths)].toSorted((a, b) => (a < b ? -1 : a > b ? 1 : 0));
}

/** Gives a value for each feature, in the features' order. */
export function planAggregations(
  named: readonly NamedAggregation[],
  features: readonly FeatureSpec[],
  args: readonly KnownArgument[],
): AggregationPlan {
  const windows = windowsOf(named);
  const plan = {
    events: layeredQuery('r'),
    windowed: layeredQuery('w'),
    finals: layeredQuery('f'),
    windows,
  };
  const results = features.map(({ name, type }) => {
    const aggregation = named.find(({ feature }) => feature === name)?.aggregation;
    if (aggregation === undefined) throw new RangeError(`No aggregation gives the feature "${name}"`);
    const asDouble = type === 'float64' || type === 'float32';
    return `CAST(${valueSql(plan, aggregation, args, asDouble)} AS ${duckDbType(type)})`;
  });
  return { ...plan, features: results };
}

type Steps = Omit<AggregationPlan, 'features'>;

function valueSql(
  plan: Steps,
  aggregation: Aggregation,
  args: readonly KnownArgument[],
  asDouble: boolean,
): string {
  if (aggregation.kind === 'simple') return simpleSql(plan, aggregation, args, asDouble);
  const numerator = simpleSql(plan, aggregation.numerator, args, true);
  const denominator = simpleSql(plan, aggregation.denominator, args, true);
  return `CAST(${numerator} AS DOUBLE) / nullif(CAST(${denominator} AS DOUBLE), 0)`;
}

function simpleSql(
  plan: Steps,
  aggregation: SimpleAggregation,
  args: readonly KnownArgument[],
  asDouble: boolean,
): string {
  const argument = args.find(
    ({ column, where }) => column === aggregation.column && where === aggregation.where,
  );
  if (argument === undefined) throw new RangeError(`No argument was read for ${aggregation.fn}`);
  const length = durationOf(aggregation.window);
  const over = `OVER __window${plan.windows.indexOf(length)}`;
  const window = (call: string) => plan.windowed.define(0, `${call} ${over}`);
  const value = argument.name;
  switch (aggregation.fn) {
    case 'count':
      return window(`count(${value})`);
    case 'countDistinct':
      return window(`count(DISTINCT ${value})`);
    case 'min':
    case 'max':
      return window(`${aggregation.fn}(${value})`);
    case 'sum':
      return sumSql(plan, argument, window, asDouble);
    case 'avg':
      return `CASE WHEN ${window(`count(${value})`)} > 0 THEN ${sumSql(plan, argument, window, true)} / ${window(`count(${value})`)} END`;
    case 'stddev':
      return stddevSql(plan, argument, window);
    case 'median':
      return window(`quantile_cont(CAST(${value} AS DOUBLE), 0.5)`);
    case 'quantile':
      return window(`quantile_cont(CAST(${value} AS DOUBLE), ${aggregation.argument ?? 0.5})`);
    case 'mode': {
      // DuckDB's own mode breaks ties by row order. A histogram is sorted by value: the first maximum is the smallest.
      const histogram = window(`histogram(${value})`);
      const counts = `map_values(${histogram})`;
      return `map_keys(${histogram})[list_position(${counts}, list_max(${counts}))]`;
    }
    case 'first':
      return `(${window(`min(${placed(plan, value)})`)}).v`;
    case 'last':
      return `(${window(`max(${placed(plan, value)})`)}).v`;
    case 'collectList': {
      const newest = window(`max(${placed(plan, value)}, ${aggregation.argument ?? 1})`);
      return `list_transform(list_reverse(${newest}), lambda item: item.v)`;
    }
  }
}

/** A value with its place in time, which is how such pairs compare. */
function placed(plan: Steps, value: string): string {
  return plan.events.define(0, `CASE WHEN ${value} IS NOT NULL THEN {'t': __t, 'c': __c, 'v': ${value}} END`);
}

type Windowed = (call: string) => string;

function sumSql(plan: Steps, argument: KnownArgument, window: Windowed, asDouble: boolean): string {
  const { name, engineType, stats } = argument;
  if (numberKind(engineType) === 'whole') {
    const wide = /HUGEINT|UBIGINT/.test(engineType) ? 'HUGEINT' : 'BIGINT';
    const total = window(`sum(CAST(${name} AS ${wide}))`);
    return asDouble ? roundedSum(plan.finals, 0, exactShape(0, 1), [total]).high : total;
  }
  if (stats === null)
    throw new RangeError(`No statistics were taken of the summed column ${argument.column}`);
  const shape = exactShape(stats.low, stats.top);
  const x = plan.events.define(0, `CAST(${name} AS DOUBLE)`);
  const finite = stats.special ? plan.events.define(1, `CASE WHEN isfinite(${x}) THEN ${x} END`) : x;
  const limbs = limbsSql(shape, [finite]).map((limb) => window(`sum(${plan.events.define(2, limb)})`));
  if (!stats.special) return roundedSum(plan.finals, 0, shape, limbs).high;
  const known = limbs.map((limb) => plan.finals.define(0, `coalesce(${limb}, 0::HUGEINT)`));
  const { high } = roundedSum(plan.finals, 1, shape, known);
  const count = (condition: string) => window(`count(${plan.events.define(1, condition)})`);
  const rising = count(`CASE WHEN ${x} = CAST('inf' AS DOUBLE) THEN 1 END`);
  const falling = count(`CASE WHEN ${x} = CAST('-inf' AS DOUBLE) THEN 1 END`);
  const broken = count(`CASE WHEN isnan(${x}) THEN 1 END`);
  return (
    `CASE WHEN ${window(`count(${name})`)} = 0 THEN NULL ` +
    `WHEN ${broken} > 0 OR (${rising} > 0 AND ${falling} > 0) THEN CAST('nan' AS DOUBLE) ` +
    `WHEN ${rising} > 0 THEN CAST('inf' AS DOUBLE) WHEN ${falling} > 0 THEN CAST('-inf' AS DOUBLE) ELSE ${high} END`
  );
}

/** Squares of larger values overflow a double, those of smaller ones vanish in it. */
const LARGEST = 500;
const SMALLEST = -450;

/**
 * From exact sums of the values and of their squares. Not-a-number when the window holds an infinity, a
 * not-a-number or a value of 2^500 and more; values below 2^-450 count as 0.
 */
function stddevSql(plan: Steps, argument: KnownArgument, window: Windowed): string {
  const { name, stats } = argument;
  if (stats === null) throw new RangeError(`No statistics were taken of the column ${argument.column}`);
  const low = Math.max(stats.low, SMALLEST - 53);
  const top = Math.min(stats.top, LARGEST);
  const refuse = stats.special || stats.top > LARGEST;
  const x = plan.events.define(0, `CAST(${name} AS DOUBLE)`);
  const usable = refuse
    ? plan.events.define(1, `CASE WHEN isfinite(${x}) AND abs(${x}) < ${powerOfTwo(LARGEST)} THEN ${x} END`)
    : x;
  const y =
    stats.low < SMALLEST - 53
      ? plan.events.define(
          2,
          `CASE WHEN abs(${usable}) < ${powerOfTwo(SMALLEST)} THEN 0.0::DOUBLE ELSE ${usable} END`,
        )
      : usable;
  const total = (low: number, top: number, parts: readonly string[], level: number) => {
    const shape = exactShape(low, top);
    const limbs = limbsSql(shape, parts).map((limb) => window(`sum(${plan.events.define(level, limb)})`));
    return roundedSum(plan.finals, 0, shape, limbs);
  };
  const sum = total(low, top, [y], 3);
  // Two bits more: three parts are added up.
  const squares = total(2 * low, 2 * top + 2, squareParts(plan.events, 3, y, { low, top }), 6);
  const deviation = deviationSql(plan.finals, {
    count: window(`count(${y})`),
    min: window(`min(${y})`),
    max: window(`max(${y})`),
    sum,
    squares,
  });
  if (!refuse) return deviation;
  const all = window(`count(${name})`);
  return `CASE WHEN ${all} < 2 THEN NULL WHEN ${all} > ${window(`count(${y})`)} THEN CAST('nan' AS DOUBLE) ELSE ${deviation} END`;
}
