import type { Aggregation, NamedAggregation, SimpleAggregation } from './aggregation.ts';
import { doubleToUnits, integerSquareRoot, unitsToDouble } from './exact-double.ts';
import type { EventRow } from './rows.ts';
import { type DurationMicros, durationOf, type Micros } from './time.ts';
import type { KeyValue, Value } from './value-type.ts';

/**
 * The reference of declared aggregations (see `aggregation.ts`): slow, plain, and what every engine must equal.
 *
 * - A key has a row at tick e when its largest window [e − w, e) holds an event, or that of the tick before does.
 * - Zero has one sign.
 * - The row's created time is the larger of e + data delay and the newest created time in the largest window.
 */
export interface AggregateRules {
  readonly keys: readonly string[];
  readonly aggregations: readonly NamedAggregation[];
  /** Ascending; the first is the tick before the first row. */
  readonly ticks: readonly Micros[];
  readonly dataDelay: DurationMicros;
  /** What a column name, an expression or a condition is for an event. */
  readonly read: (text: string, event: EventRow) => Value;
}

export interface AggregatedRow {
  readonly key: readonly KeyValue[];
  readonly eventTime: Micros;
  readonly createdTime: Micros;
  readonly values: readonly Value[];
}

export function aggregate(events: readonly EventRow[], rules: AggregateRules): readonly AggregatedRow[] {
  const { aggregations, ticks, dataDelay } = rules;
  const windows = aggregations.flatMap(windowsOf).toSorted((a, b) => (a < b ? -1 : 1));
  const largest = windows.at(-1) ?? durationOf('0s');
  const rows: AggregatedRow[] = [];
  for (const { key, own } of byKey(events, rules)) {
    let held = false;
    for (const [index, tick] of ticks.entries()) {
      const inside = inWindow(own, tick, largest);
      const hasRow = inside.length > 0 || held;
      held = inside.length > 0;
      if (index === 0 || !hasRow) continue;
      const complete = (tick + dataDelay) as Micros;
      const createdTime = inside.reduce(
        (newest, { createdTime }) => (createdTime !== null && createdTime > newest ? createdTime : newest),
        complete,
      );
      const values = aggregations.map(({ aggregation }) => {
        const value = valueAt(aggregation, own, tick, rules);
        return Object.is(value, -0) ? 0 : value;
      });
      rows.push({ key, eventTime: tick, createdTime, values });
    }
  }
  return rows;
}

function byKey(events: readonly EventRow[], { keys, read }: AggregateRules) {
  const groups = new Map<string, { key: KeyValue[]; own: EventRow[] }>();
  for (const event of events) {
    const key = keys.map((name) => read(name, event));
    if (key.some((part) => part === null)) continue;
    const text = key.map((part) => `${typeof part}:${String(part).length}:${String(part)}`).join('|');
    const group = groups.get(text) ?? { key: key as KeyValue[], own: [] };
    group.own.push(event);
    groups.set(text, group);
  }
  return groups.values();
}

function windowsOf({ aggregation }: NamedAggregation): readonly DurationMicros[] {
  return aggregation.kind === 'simple'
    ? [durationOf(aggregation.window)]
    : [durationOf(aggregation.numerator.window), durationOf(aggregation.denominator.window)];
}

function inWindow(events: readonly EventRow[], tick: Micros, window: DurationMicros): readonly EventRow[] {
  return events.filter(({ eventTime }) => eventTime >= tick - window && eventTime < tick);
}

function valueAt(
  aggregation: Aggregation,
  events: readonly EventRow[],
  tick: Micros,
  rules: AggregateRules,
): Value {
  if (aggregation.kind === 'simple') return simpleAt(aggregation, events, tick, rules);
  const numerator = simpleAt(aggregation.numerator, events, tick, rules);
  const denominator = simpleAt(aggregation.denominator, events, tick, rules);
  if (numerator === null || denominator === null || Number(denominator) === 0) return null;
  return Number(numerator) / Number(denominator);
}

function simpleAt(
  { fn, column, window, where, argument }: SimpleAggregation,
  events: readonly EventRow[],
  tick: Micros,
  { read }: AggregateRules,
): Value {
  const placed = inWindow(events, tick, durationOf(window))
    .filter((event) => where === null || read(where, event) === true)
    .map((event) => ({ event, value: column === null ? 1 : read(column, event) }))
    .filter(({ value }) => value !== null)
    .toSorted((a, b) => compareTimes(a.event, b.event) || compareValues(a.value, b.value));
  const values = placed.map(({ value }) => value);
  const sorted = values.toSorted(compareValues);
  switch (fn) {
    case 'count':
      return BigInt(values.length);
    case 'countDistinct':
      return BigInt(runsOf(sorted).length);
    case 'sum':
      return values.length === 0 ? null : sumOf(values);
    case 'avg':
      return values.length === 0 ? null : Number(sumOf(values)) / values.length;
    case 'min':
      return sorted[0] ?? null;
    case 'max':
      return sorted.at(-1) ?? null;
    case 'stddev':
      return stddevOf(values.map(Number));
    case 'median':
      return quantileOf(sorted.map(Number), 0.5);
    case 'quantile':
      return quantileOf(sorted.map(Number), argument ?? 0.5);
    case 'mode': {
      const runs = runsOf(sorted);
      const longest = Math.max(...runs.map(({ length }) => length));
      return runs.find(({ length }) => length === longest)?.value ?? null;
    }
    case 'first':
      return values[0] ?? null;
    case 'last':
      return values.at(-1) ?? null;
    case 'collectList':
      return values.length === 0 ? null : values.slice(-(argument ?? 1));
  }
}

function compareTimes(a: EventRow, b: EventRow): number {
  if (a.eventTime !== b.eventTime) return a.eventTime < b.eventTime ? -1 : 1;
  const [left, right] = [a.createdTime ?? a.eventTime, b.createdTime ?? b.eventTime];
  return left < right ? -1 : left > right ? 1 : 0;
}

/** Numbers by size with not-a-number last, false before true, text by its UTF-8 bytes. */
function compareValues(a: Value, b: Value): number {
  if (typeof a === 'string' && typeof b === 'string') return Buffer.compare(Buffer.from(a), Buffer.from(b));
  if (Number.isNaN(a) || Number.isNaN(b)) return Number(Number.isNaN(a)) - Number(Number.isNaN(b));
  if (a === null || b === null) return 0;
  return a < b ? -1 : a > b ? 1 : 0;
}

function runsOf(sorted: readonly Value[]): { value: Value; length: number }[] {
  const runs: { value: Value; length: number }[] = [];
  for (const value of sorted) {
    const last = runs.at(-1);
    if (last !== undefined && compareValues(last.value, value) === 0) last.length++;
    else runs.push({ value, length: 1 });
  }
  return runs;
}

/** Whole numbers add as such; doubles exactly, rounded once. */
function sumOf(values: readonly Value[]): Value {
  if (values.every((value) => typeof value === 'bigint')) {
    return values.reduce((sum, value) => sum + value, 0n);
  }
  const numbers = values.map(Number);
  if (!numbers.every(Number.isFinite)) return numbers.reduce((sum, value) => sum + value, 0);
  return unitsToDouble(numbers.reduce((sum, value) => sum + doubleToUnits(value), 0n));
}

function stddevOf(values: readonly number[]): number | null {
  if (values.length < 2) return null;
  if (!values.every(Number.isFinite)) return Number.NaN;
  const count = BigInt(values.length);
  const units = values.map(doubleToUnits);
  const sum = units.reduce((total, value) => total + value, 0n);
  const squares = units.reduce((total, value) => total + value * value, 0n);
  const spread = count * squares - sum * sum;
  // 128 bits more than the units have, so that the root of a small spread keeps its digits.
  const root = integerSquareRoot((spread << 256n) / (count * (count - 1n)));
  return unitsToDouble(root >> 128n);
}

function quantileOf(sorted: readonly number[], share: number): number | null {
  const at = (sorted.length - 1) * share;
  const [low, high] = [sorted[Math.floor(at)], sorted[Math.ceil(at)]];
  if (low === undefined || high === undefined) return null;
  return low === high ? low : low + (high - low) * (at - Math.floor(at));
}
