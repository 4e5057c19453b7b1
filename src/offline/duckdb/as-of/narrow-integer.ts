import type { Bounds } from './bounds.ts';

const BYTES: Readonly<Record<string, number>> = {
  TINYINT: 1,
  UTINYINT: 1,
  SMALLINT: 2,
  USMALLINT: 2,
  INTEGER: 4,
  UINTEGER: 4,
  BIGINT: 8,
  UBIGINT: 8,
};

/** An integer type of DuckDB that can be narrower than its values allow. */
export function isInteger(engineType: string): boolean {
  return BYTES[engineType] !== undefined;
}

/**
 * The narrowest integer type of DuckDB that holds all from least to most; the type itself when none is narrower. Rows
 * are sorted byte by byte: a column of 0 and 1 in eight bytes costs as much as any other.
 */
export function narrowInteger({ least, most }: Bounds, engineType: string): string {
  for (const [bytes, signed, unsigned] of [
    [1, 'TINYINT', 'UTINYINT'],
    [2, 'SMALLINT', 'USMALLINT'],
    [4, 'INTEGER', 'UINTEGER'],
  ] as const) {
    if (bytes >= (BYTES[engineType] ?? 0)) break;
    const size = 256n ** BigInt(bytes);
    if (least >= 0n && most < size) return unsigned;
    if (least >= -size / 2n && most < size / 2n) return signed;
  }
  return engineType;
}

/** Whether INTEGER holds all of them. */
export function fitsInteger(bounds: Bounds | null): boolean {
  return bounds !== null && bounds.least >= -(2n ** 31n) && bounds.most < 2n ** 31n;
}
