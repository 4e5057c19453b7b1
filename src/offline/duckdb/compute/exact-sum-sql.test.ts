import { tmpdir } from 'node:os';
import fc from 'fast-check';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { doubleToUnits, unitsToDouble } from '../../../core/exact-double.ts';
import { createDuckDb, type DuckDbEngine } from '../engine.ts';
import { exactShape, limbsSql, roundedSum } from './exact-sum-sql.ts';
import { layeredQuery } from './layered-query.ts';

let engine: DuckDbEngine;
beforeAll(async () => {
  engine = await createDuckDb({ memory: '1GB', threads: 1, tempDir: tmpdir() });
});
afterAll(() => engine.close());

async function sumOf(values: readonly number[], low: number, top: number): Promise<number> {
  const shape = exactShape(low, top);
  const query = layeredQuery('s');
  const sums = Array.from({ length: shape.limbs }, (_, limb) => `s${limb}`);
  const { high } = roundedSum(query, 0, shape, sums);
  const rows = values.map((value) => `(CAST('${value}' AS DOUBLE))`).join(', ');
  const limbs = limbsSql(shape, ['x']).map((limb, index) => `sum(${limb}) AS s${index}`);
  const sql = `SELECT ${high} FROM ${query.sql(`(SELECT ${limbs.join(', ')} FROM (VALUES ${rows}) t(x))`)}`;
  const result = await engine.withConnection((connection) => connection.runAndReadAll(sql));
  return Number(result.getRows()[0]?.[0]);
}

function exact(values: readonly number[]): number {
  return unitsToDouble(values.reduce((total, value) => total + doubleToUnits(value), 0n));
}

test.each([
  [[0.1, 0.2, 0.3], -60, 1],
  [[1e16, 1, -1e16], -60, 60],
  [[1e300, 1e-300, -1e300], -1074, 1000],
  [[2 ** 53, 1, 2 ** -40], -60, 60],
  [[2 ** 53, 1, -(2 ** -40)], -60, 60],
  [[-5e-324, -5e-324], -1074, 10],
  [[0], 0, 1],
] as const)('sums %j exactly', async (values, low, top) => {
  expect(await sumOf(values, low, top)).toBe(exact(values));
});

test('rounds the exact total correctly on any scale that holds the values', async () => {
  const double = fc
    .tuple(fc.integer({ min: -(2 ** 53) + 1, max: 2 ** 53 - 1 }), fc.integer({ min: -90, max: 40 }))
    .map(([mantissa, exponent]) => mantissa * 2 ** exponent);
  await fc.assert(
    fc.asyncProperty(
      fc.array(double, { minLength: 1, maxLength: 8 }),
      fc.boolean(),
      fc.integer({ min: 0, max: 120 }),
      async (values, cancelled, slack) => {
        const all = cancelled ? [...values, ...values.map((value) => -value), 1] : values;
        expect(await sumOf(all, -90 - slack, 93 + slack)).toBe(exact(all) + 0);
      },
    ),
    { numRuns: 60 },
  );
});

test('has one narrow limb for whole numbers of ordinary size', () => {
  expect(exactShape(0, 20)).toEqual({ low: 0, limbs: 1, narrow: true });
  expect(exactShape(-60, 20)).toEqual({ low: -60, limbs: 1, narrow: false });
  expect(exactShape(-1074, 1024)).toEqual({ low: -1074, limbs: 35, narrow: true });
});
