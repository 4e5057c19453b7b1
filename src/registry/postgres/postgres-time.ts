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

/** A parameter for a `timestamptz`. */
export function timeParameter(time: Micros): string {
  return formatTime(time);
}

/** A parameter for a half-open `tstzrange`. */
export function rangeParameter({ start, end }: Interval): string {
  return `[${formatTime(start)},${formatTime(end)})`;
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
