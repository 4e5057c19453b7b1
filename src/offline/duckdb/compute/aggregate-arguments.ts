import type { NamedAggregation, SimpleAggregation } from '../../../core/aggregation.ts';
import type { EngineColumn } from '../sources/source-scan.ts';
import { identifier } from '../sql-text.ts';

/** What an aggregation reads of each event: a column or expression, null where its condition does not hold. */
export interface AggregateArgument {
  /** The column of the events table that holds it. */
  readonly name: string;
  readonly column: string | null;
  readonly where: string | null;
}

export function simpleAggregations(named: readonly NamedAggregation[]): readonly SimpleAggregation[] {
  return named.flatMap(({ aggregation }) =>
    aggregation.kind === 'simple' ? [aggregation] : [aggregation.numerator, aggregation.denominator],
  );
}

/** Each distinct argument once, in the order of first use. */
export function argumentsOf(named: readonly NamedAggregation[]): readonly AggregateArgument[] {
  const found: AggregateArgument[] = [];
  for (const { column, where } of simpleAggregations(named)) {
    if (found.some((argument) => argument.column === column && argument.where === where)) continue;
    found.push({ name: `__a${found.length}`, column, where });
  }
  return found;
}

/** The argument over the source's columns. Text that names a column is that column, other text is SQL. */
export function argumentSql(
  { column, where }: Pick<AggregateArgument, 'column' | 'where'>,
  columns: readonly EngineColumn[],
): string {
  const value = column === null ? '1' : columnOrExpression(column, columns);
  // The line break ends a comment that the text may end with.
  return where === null ? value : `CASE WHEN (${where}\n) THEN ${value} END`;
}

function columnOrExpression(text: string, columns: readonly EngineColumn[]): string {
  const named = columns.some(({ name }) => name.toLowerCase() === text.toLowerCase());
  return named ? identifier(text) : `(${text}\n)`;
}

export type NumberKind = 'whole' | 'real' | 'none';

export function numberKind(engineType: string): NumberKind {
  if (/^(BOOLEAN|U?(TINYINT|SMALLINT|INTEGER|BIGINT|HUGEINT))$/.test(engineType)) return 'whole';
  return /^(FLOAT|DOUBLE|DECIMAL\(.*\))$/.test(engineType) ? 'real' : 'none';
}

/** One zero and one not-a-number: their other spellings are equal to SQL, but would be other bits in a file. */
export function normalised(name: string, engineType: string): string {
  if (engineType !== 'DOUBLE' && engineType !== 'FLOAT') return name;
  return `CASE WHEN isnan(${name}) THEN CAST('nan' AS ${engineType}) WHEN ${name} = 0 THEN CAST(0 AS ${engineType}) ELSE ${name} END`;
}

/** What is known of the numbers of an argument, over all events at hand. */
export interface NumberStats {
  /** Every finite value is a multiple of 2^low and smaller than 2^top in size. */
  readonly low: number;
  readonly top: number;
  /** Whether there are infinities or not-a-numbers. */
  readonly special: boolean;
}

/** Four columns: exponent of the smallest and of the largest size, whether all are whole, whether any is special. */
export function numberStatsSql(name: string): string {
  const x = `CAST(${name} AS DOUBLE)`;
  const size = `CASE WHEN isfinite(${x}) AND ${x} <> 0 THEN CAST(floor(log2(abs(${x}))) AS INTEGER) END`;
  return [
    `min(${size})`,
    `max(${size})`,
    `bool_and(NOT isfinite(${x}) OR ${x} = trunc(${x}))`,
    `bool_or(NOT isfinite(${x}))`,
  ].join(', ');
}

export function numberStats(row: readonly unknown[]): NumberStats {
  const [smallest, largest, whole, special] = row;
  if (typeof smallest !== 'number' || typeof largest !== 'number') {
    return { low: 0, top: 1, special: special === true };
  }
  // A double of size 2^e has its last bit at 2^(e - 52); log2 may be off by one next to a power of two.
  const last = Math.max(smallest - 53, -1074);
  return { low: whole === true ? Math.max(last, 0) : last, top: largest + 2, special: special === true };
}
