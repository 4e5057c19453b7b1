import type { BatchViewSpec } from '../../../core/feature-view.ts';
import { identifier } from '../sql-text.ts';

/**
 * Where the online store keeps an entity whose only key is an integer, in SQL: what `bucketOf` of
 * `online/redis/key.ts` says, which a test compares. All rows of a place are written at once when they come together:
 * ten million entities took the store half the time that they took in the order of their keys. Were it another
 * place, nothing would be wrong but the speed.
 */
export const PLACES = 65_536;

export function hasPlaceSql({ joinKeys: [first, ...others] }: Pick<BatchViewSpec, 'joinKeys'>): boolean {
  return others.length === 0 && (first?.type === 'int32' || first?.type === 'int64');
}

/** A query in parentheses of the same rows, with `__place`. */
export function placedSql(rows: string, { joinKeys: [key] }: Pick<BatchViewSpec, 'joinKeys'>): string {
  const value = `CAST(${identifier(key?.name ?? '')} AS BIGINT)`;
  // What sixteen neighbours have in common, in 32 bits; of a 64-bit integer its upper half is mixed in.
  const group = key?.type === 'int64' ? `xor(${value} >> 4, ${value} >> 36)` : `(${value} >> 4)`;
  const low = (number: string) => `((${number}) & 4294967295)`;
  const times = (number: string, factor: number) => low(`${number} * ${factor}::UBIGINT`);
  const start = `xor(2166136261::UBIGINT, ${times(`${low(group)}::UBIGINT`, 0x9e3779b1)})`;
  const step = (from: string, change: string) => `(SELECT * REPLACE (${change} AS __place) FROM ${from})`;
  const begun = `(SELECT *, ${start} AS __place FROM ${rows})`;
  const first = step(begun, times('xor(__place, __place >> 16)', 0x85ebca6b));
  const second = step(first, times('xor(__place, __place >> 13)', 0xc2b2ae35));
  return step(second, `CAST(xor(__place, __place >> 16) & ${PLACES - 1} AS INTEGER)`);
}
