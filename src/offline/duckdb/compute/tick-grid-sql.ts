import type { Interval } from '../../../core/interval.ts';
import { scheduleOf } from '../../../core/schedule.ts';
import type { DurationMicros, Micros } from '../../../core/time.ts';
import { partitionBy } from '../sql-text.ts';

/** The ticks of a range, both ends included; number 0 is the range's start, which belongs to the interval before. */
export type TickGrid =
  | { readonly kind: 'even'; readonly first: Micros; readonly period: bigint; readonly last: number }
  /** Any other schedule: the ticks themselves, for a table `__ticks(i, e)`. */
  | { readonly kind: 'listed'; readonly ticks: readonly Micros[]; readonly last: number };

export function tickGrid(cron: string, range: Interval): TickGrid {
  const ticks = scheduleOf(cron).ticks(range.start, range.end);
  const [first, second] = ticks;
  if (first !== range.start || ticks.at(-1) !== range.end || second === undefined) {
    throw new RangeError(`The range must begin and end on ticks of "${cron}"`);
  }
  const period = second - first;
  const even = ticks.every((tick, index) => tick === first + BigInt(index) * period);
  return even
    ? { kind: 'even', first, period, last: ticks.length - 1 }
    : { kind: 'listed', ticks, last: ticks.length - 1 };
}

/** Statements that put a listed grid's ticks into `__ticks`; none for an even one. */
export function ticksTableSql(grid: TickGrid): readonly string[] {
  if (grid.kind === 'even') return [];
  const list = `[${grid.ticks.join(', ')}]::BIGINT[]`;
  return [
    `CREATE OR REPLACE TEMP TABLE __ticks AS SELECT unnest(range(${grid.ticks.length})) AS i, unnest(${list}) AS e`,
  ];
}

/** `from` with a column `name`: the number of the first tick after the time `time`; 0 for times before the grid. */
export function nextTickSql(grid: TickGrid, from: string, time: string, name: string): string {
  if (grid.kind === 'even') {
    return `(SELECT *, CASE WHEN ${time} < ${grid.first} THEN 0 ELSE (${time} - ${grid.first}) // ${grid.period} + 1 END AS ${name} FROM ${from})`;
  }
  return (
    `(SELECT __b.* EXCLUDE (__at), coalesce(__ticks.i + 1, 0) AS ${name} ` +
    `FROM (SELECT *, ${time} AS __at FROM ${from}) __b ASOF LEFT JOIN __ticks ON __b.__at >= __ticks.e)`
  );
}

/** `from` with a column `name`: the time of the tick numbered `number`. */
export function tickTimeSql(grid: TickGrid, from: string, number: string, name: string): string {
  if (grid.kind === 'even') {
    return `(SELECT *, ${grid.first} + ${number} * ${grid.period} AS ${name} FROM ${from})`;
  }
  return `(SELECT __b.*, __ticks.e AS ${name} FROM ${from} __b JOIN __ticks ON __ticks.i = __b.${number})`;
}

/**
 * The rows that aggregations have: for each key the ticks e of the grid whose window [e − window, e) holds an
 * event, and the first tick after it has run empty. Columns: keys, `__t` (the tick).
 *
 * Events of one key between two neighbouring ticks cover what the last of them covers: from the tick after it to
 * the last tick that it is in the window of, and one tick more. So there is one span per key and tick that had
 * events; what an earlier span of the key reaches is cut off; the rest is unrolled. Nothing is ever as large as
 * keys × ticks or events × ticks, unless the result is.
 */
export function gridSql(
  grid: TickGrid,
  events: string,
  keys: readonly string[],
  window: DurationMicros,
): string {
  const key = keys.map((name) => `${name}, `).join('');
  const buckets = `(SELECT ${key}__from, max(__t) AS __newest FROM ${nextTickSql(grid, events, '__t', '__from')} GROUP BY ${key}__from)`;
  // The number of the first tick after newest + window is the number of the last covered one, plus one.
  const spans = nextTickSql(grid, buckets, `__newest + ${window}`, '__to');
  const fresh =
    `(SELECT ${key}greatest(__from, 1, 1 + coalesce(max(__end) OVER (${partitionBy(keys)}ORDER BY __from ` +
    `ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING), 0)) AS __begin, __end ` +
    `FROM (SELECT ${key}__from, least(__to, ${grid.last}) AS __end FROM ${spans} WHERE __to > __from))`;
  const numbered = `(SELECT ${key}unnest(range(__begin, __end + 1)) AS __i FROM ${fresh} WHERE __begin <= __end)`;
  return `SELECT ${key}__t FROM ${tickTimeSql(grid, numbered, '__i', '__t')}`;
}
