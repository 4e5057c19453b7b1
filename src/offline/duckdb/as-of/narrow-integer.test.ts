import { describe, expect, test } from 'vitest';
import { fitsInteger, narrowInteger } from './narrow-integer.ts';

describe('the narrowest integer type', () => {
  test.each([
    [0n, 1n, 'BIGINT', 'UTINYINT'],
    [0n, 255n, 'BIGINT', 'UTINYINT'],
    [0n, 256n, 'BIGINT', 'USMALLINT'],
    [-1n, 127n, 'BIGINT', 'TINYINT'],
    [-1n, 128n, 'BIGINT', 'SMALLINT'],
    [-129n, 0n, 'BIGINT', 'SMALLINT'],
    [-32_768n, 32_767n, 'INTEGER', 'SMALLINT'],
    [0n, 2n ** 32n - 1n, 'BIGINT', 'UINTEGER'],
    [0n, 2n ** 32n, 'BIGINT', 'BIGINT'],
    [-1n, 2n ** 31n, 'BIGINT', 'BIGINT'],
    [-(2n ** 31n), 2n ** 31n - 1n, 'BIGINT', 'INTEGER'],
    [0n, 2n ** 64n - 1n, 'UBIGINT', 'UBIGINT'],
    [0n, 65_536n, 'INTEGER', 'INTEGER'],
    [0n, 1n, 'UTINYINT', 'UTINYINT'],
  ])('of %s to %s in %s is %s', (least, most, type, expected) => {
    expect(narrowInteger({ least, most }, type)).toBe(expected);
  });

  test('says whether INTEGER is enough, and not when the bounds are not known', () => {
    expect(fitsInteger({ least: -(2n ** 31n), most: 2n ** 31n - 1n })).toBe(true);
    expect(fitsInteger({ least: 0n, most: 2n ** 31n })).toBe(false);
    expect(fitsInteger(null)).toBe(false);
  });
});
