import { keepsEveryValue } from '../../../core/accepted-types.ts';
import type { PushSourceSpec } from '../../../core/source.ts';
import { type ValueType, valueTypeOf } from '../../../core/value-type.ts';
import { identifier, stringLiteral } from '../sql-text.ts';
import { duckDbType, valueTypeOfDuckDb } from '../types.ts';

/**
 * A column of pushed rows as the type that the source declares now, from the type that its files have. Where the one
 * was not made for every value of the other, each value is looked at: one that would not come back the same is an
 * error, in words that `failureKind` knows.
 */
export function pushedCast(
  source: PushSourceSpec,
  { name, type }: { readonly name: string; readonly type: ValueType },
  engineType: string,
): string {
  const value = identifier(name);
  const sqlType = duckDbType(type);
  const found = valueTypeOfDuckDb(engineType);
  const cast = `CAST(${value} AS ${sqlType})`;
  const parsed = valueTypeOf(type);
  const failure = (what: string) =>
    `CAST(error(${stringLiteral(`column "${name}" of push source "${source.name}" has `)} || ${what}) AS ${sqlType})`;
  if (parsed.kind === 'vector' && engineType.endsWith('[]')) {
    const told = `len(${value}) || ${stringLiteral(` numbers in rows that were pushed, and is ${type} now`)}`;
    return `CASE WHEN ${value} IS NULL OR len(${value}) = ${parsed.size} THEN TRY_${cast} ELSE ${failure(told)} END`;
  }
  if (engineType === sqlType || (found !== null && keepsEveryValue(found, type))) return cast;
  const same = `TRY_CAST(TRY_${cast} AS ${engineType}) IS NOT DISTINCT FROM ${value}`;
  const told =
    `'"' || left(CAST(${value} AS VARCHAR), 60) || ` +
    stringLiteral(`" in rows that were pushed as ${found ?? engineType}, which is no ${type}`);
  return `CASE WHEN ${same} THEN TRY_${cast} ELSE ${failure(told)} END`;
}
