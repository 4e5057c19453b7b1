import { DuckDBTimestampValue } from '@duckdb/node-api';
import { expect, test } from 'vitest';
import { testEngine } from '../../test/support/feature-repo.ts';
import { timeOf } from '../core/time.ts';
import type { Value, ValueType } from '../core/value-type.ts';
import { widenValue } from './widen-value.ts';

/** Each is what the offline side's cast gives: a pushed row is the same online and offline. */
test.each<[Value, ValueType, string, Value]>([
  [7, 'int64', '7::INTEGER::BIGINT', 7n],
  [7n, 'float64', '7::BIGINT::DOUBLE', 7],
  [9_007_199_254_740_993n, 'float64', '9007199254740993::BIGINT::DOUBLE', 9_007_199_254_740_992],
  [Math.fround(0.1), 'float64', '0.1::FLOAT::DOUBLE', 0.10000000149011612],
  ['2026-01-31', 'timestamp', `DATE '2026-01-31'::TIMESTAMP`, timeOf('2026-01-31T00:00:00Z')],
  ['text', 'string', `'text'`, 'text'],
])('%s as %s is what the cast gives', async (value, type, sql, widened) => {
  expect(widenValue(value, type)).toEqual(widened);
  const [row] = await (await testEngine()).withConnection(async (connection) =>
    (await connection.runAndReadAll(`SELECT ${sql}`)).getRows(),
  );
  const cast = row?.[0];
  expect(cast instanceof DuckDBTimestampValue ? cast.micros : cast).toEqual(widened);
});

test('items of lists are widened, nulls stay, and lists become vectors', () => {
  expect(widenValue([1, null], 'array<int64>')).toEqual([1n, null]);
  expect(widenValue([1, 2], 'vector(2)')).toEqual(Float32Array.from([1, 2]));
  expect(widenValue(null, 'int64')).toBeNull();
});

test('what has no such form is undefined', () => {
  expect(widenValue('{"a":', 'json')).toBeUndefined();
  expect(widenValue([1, 2, 3], 'vector(2)')).toBeUndefined();
});
