import type { Interval } from './interval.ts';
import { formatTime, type Micros } from './time.ts';

/** A quoted text or name, or a comment, in which nothing is a parameter; or one of the two parameters. */
const PIECE = /'(?:[^']|'')*'|"(?:[^"]|"")*"|--[^\n]*|\/\*[\s\S]*?\*\/|\$interval_(start|end)\b/gi;

/**
 * A query with `$interval_start` and `$interval_end` written in as naive UTC timestamps: for what is sent to a server
 * that takes no named parameters, and must read the same in DuckDB.
 */
export function withInterval(query: string, { start, end }: Interval): string {
  return query.replace(PIECE, (piece: string, which: string | undefined) =>
    which === undefined ? piece : timestampLiteral(which.toLowerCase() === 'start' ? start : end),
  );
}

/** In parentheses: `$interval_end::date` is then a cast of the whole. */
function timestampLiteral(time: Micros): string {
  return `(TIMESTAMP '${formatTime(time).replace('T', ' ').replace('Z', '')}')`;
}
