import type { RoundedSum } from './exact-sum-sql.ts';
import type { LayeredQuery } from './layered-query.ts';

/** 2^27 + 1 cuts a double into two halves of 26 bits, whose products are exact (Veltkamp). */
const SPLITTER = '134217729.0::DOUBLE';

/** Doubles that add up to exactly y², for |y| < 2^500. */
export function squareParts(
  query: LayeredQuery,
  level: number,
  y: string,
  { low, top }: { readonly low: number; readonly top: number },
): readonly string[] {
  if (top - low <= 26) return [`(${y} * ${y})`];
  const [high, rest] = halves(query, level, y);
  return [`(${high} * ${high})`, `(2 * ${high} * ${rest})`, `(${rest} * ${rest})`];
}

function halves(query: LayeredQuery, level: number, x: string): readonly [string, string] {
  const high = query.define(level, `(${SPLITTER} * ${x}) - ((${SPLITTER} * ${x}) - ${x})`);
  return [high, query.define(level + 1, `${x} - ${high}`)];
}

export interface Moments {
  readonly count: string;
  readonly min: string;
  readonly max: string;
  readonly sum: RoundedSum;
  readonly squares: RoundedSum;
}

/**
 * sqrt((Σx² − (Σx)²/n) / (n − 1)) with the difference taken in twice a double's precision: it cancels when the
 * values lie close together, far from zero.
 */
export function deviationSql(query: LayeredQuery, { count, min, max, sum, squares }: Moments): string {
  let level = Math.max(sum.level, squares.level);
  const n = query.define(level, `CAST(${count} AS DOUBLE)`);
  const [high, rest] = halves(query, level, sum.high);
  level += 2;
  const square = query.define(level++, `${sum.high} * ${sum.high}`);
  const error = query.define(
    level,
    `(((${high} * ${high} - ${square}) + 2 * ${high} * ${rest}) + ${rest} * ${rest}) + 2 * ${sum.high} * ${sum.low}`,
  );
  const mean = query.define(level++, `${square} / ${n}`);
  const [meanHigh, meanRest] = halves(query, level, mean);
  const product = query.define(level, `${mean} * ${n}`);
  level += 2;
  const lost = query.define(
    level++,
    `(${square} - ${product}) - ((${meanHigh} * ${n} - ${product}) + ${meanRest} * ${n})`,
  );
  const correction = query.define(level++, `(${lost} + ${error}) / ${n}`);
  const difference = query.define(
    level,
    `greatest((${squares.high} - ${mean}) + (${squares.low} - ${correction}), 0.0::DOUBLE)`,
  );
  return (
    `CASE WHEN ${count} < 2 THEN NULL WHEN ${min} = ${max} THEN 0.0::DOUBLE ` +
    `ELSE sqrt(${difference} / (${n} - 1)) END`
  );
}
