import { expect, test } from 'vitest';
import { parseExactJson } from './exact-json.ts';

test('an integer beyond 2^53 is a bigint with every digit', () => {
  expect(parseExactJson('[9007199254740993, -9223372036854775808, 1]')).toEqual([
    9007199254740993n,
    -9223372036854775808n,
    1,
  ]);
});

test('a fraction with many digits stays a number, and digits in text stay text', () => {
  expect(parseExactJson('{"a": 0.12345678901234566, "b": "9007199254740993", "c": 1e300}')).toEqual({
    a: 0.12345678901234566,
    b: '9007199254740993',
    c: 1e300,
  });
});

test('text that is not JSON throws a SyntaxError', () => {
  expect(() => parseExactJson('{"a": 12345678901234567890')).toThrow(SyntaxError);
});

test('a number of very many digits is read in no time, and is a number', () => {
  const start = performance.now();
  expect(parseExactJson(`[${'9'.repeat(41)}, ${'9'.repeat(8_000_000)}]`)).toEqual([
    1e41,
    Number.POSITIVE_INFINITY,
  ]);
  expect(performance.now() - start).toBeLessThan(1000);
});
