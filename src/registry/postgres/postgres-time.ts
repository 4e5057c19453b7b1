import type { Interval } from '../../core/interval.ts';
import { formatTime, type Micros, micros } from '../../core/time.ts';

/**
 * Times cross to and from Postgres without loss: out as whole microseconds of a `numeric` epoch, in as ISO text.
 * A JavaScript Date would cut microseconds off, and a double is exact only until 2255.
 */
export function microsColumn(expression: string): string {
  return `(extract(epoch from ${expression}) * 1000000)::bigint`;
}

/** An int8 as the driver returns it: text. */
export function microsFrom(text: string): Micros {
  return micros(BigInt(text));
}

/** Postgres has no times before 4713 BC, and a JavaScript Date none after 275760. */
const [FIRST, LAST] = [micros(-210_863_520_000_000_000n), micros(8_640_000_000_000_000_000n)];

/**
 * A parameter for a `timestamptz`. ISO 8601 has a sign before years of other than four digits, and a year 0, where
 * Postgres has neither. What lies beyond its years, or beyond JavaScript's, is infinitely far.
 */
export function timeParameter(time: Micros): string {
  if (time < FIRST) return '-infinity';
  if (time > LAST) return 'infinity';
  const [, year = '', rest = ''] = /^([+-]?\d+)(.*)$/.exec(formatTime(time)) ?? [];
  const number = Number(year);
  const written = String(number > 0 ? number : 1 - number).padStart(4, '0');
  return `${written}${rest}${number > 0 ? '' : ' BC'}`;
}

/** A parameter for a half-open `tstzrange`. */
export function rangeParameter({ start, end }: Interval): string {
  return `[${timeParameter(start)},${timeParameter(end)})`;
}

/** Selects a range's two ends as `start_at` and `end_at`. */
export function rangeColumns(expression: string): string {
  return `${microsColumn(`lower(${expression})`)} as start_at, ${microsColumn(`upper(${expression})`)} as end_at`;
}

export interface RangeRow {
  readonly start_at: string;
  readonly end_at: string;
}

export function intervalFrom(row: RangeRow): Interval {
  return { start: microsFrom(row.start_at), end: microsFrom(row.end_at) };
}
