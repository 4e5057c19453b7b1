import fc from 'fast-check';
import { expect, test } from 'vitest';
import { parseExactJson } from '../core/exact-json.ts';
import { formatTime, micros } from '../core/time.ts';
import type { Value, ValueType } from '../core/value-type.ts';
import { foundJson, jsonDecoder, wrongJson } from './json-decoder.ts';
import { jsonEncoder } from './json-encoder.ts';

const BY_TYPE: Readonly<Record<string, fc.Arbitrary<Value>>> = {
  bool: fc.boolean(),
  int32: fc.integer(),
  int64: fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }),
  float64: fc.double(),
  float32: fc.float(),
  string: fc.string({ unit: 'binary' }),
  bytes: fc.uint8Array().map((bytes) => Buffer.from(bytes)),
  timestamp: fc.bigInt({ min: -62_135_596_800_000_000n, max: 253_402_300_799_999_999n }),
  date: fc.constantFrom('2026-01-31', '1970-01-01'),
  json: fc.json(),
  'array<int64>': fc.array(fc.option(fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }))),
  'array<string>': fc.array(fc.option(fc.string())),
  'array<float64>': fc.array(fc.option(fc.double())),
  'vector(3)': fc.float32Array({ minLength: 3, maxLength: 3 }),
};

for (const [type, values] of Object.entries(BY_TYPE)) {
  test(`any ${type}, or null, survives its way through JSON`, () => {
    const encode = jsonEncoder(type as ValueType, 'iso');
    const decode = jsonDecoder(type as ValueType);
    fc.assert(
      fc.property(fc.option(values), (value) => {
        expect(decode(parseExactJson(encode(value)))).toEqual(value);
      }),
    );
  });
}

test('numbers, text and times are written as the language itself writes them', () => {
  const text = (type: ValueType, value: Value) => jsonEncoder(type, 'iso')(value);
  fc.assert(
    fc.property(fc.maxSafeInteger(), fc.double({ noNaN: true, noDefaultInfinity: true }), (whole, real) => {
      expect(text('int32', whole)).toBe(String(whole));
      expect(text('int64', BigInt(whole))).toBe(String(whole));
      if (!Number.isInteger(real)) expect(text('float64', real)).toBe(String(real));
    }),
  );
  for (const value of [0, 9, 10, 999_999_999, 1_000_000_000, 1e15, 2 ** 53 - 1]) {
    for (const signed of [value, -value || 0]) expect(text('int32', signed)).toBe(String(signed));
  }
  fc.assert(
    fc.property(fc.string({ unit: 'binary', maxLength: 100 }), (value) => {
      expect(text('string', value)).toBe(JSON.stringify(value));
    }),
  );
  fc.assert(
    fc.property(fc.bigInt({ min: -62_135_596_800_000_000n, max: 253_402_300_799_999_999n }), (time) => {
      expect(text('timestamp', time)).toBe(`"${formatTime(micros(time))}"`);
    }),
  );
});

test('a float has a point or an exponent always, alone and in lists: it would be read as an integer', () => {
  const text = (type: ValueType, value: Value) => jsonEncoder(type, 'feast')(value);
  const written = [
    [1, '1.0'],
    [-3, '-3.0'],
    [0, '0.0'],
    [-0, '-0.0'],
    [1e15, '1000000000000000.0'],
    [2 ** 53, '9007199254740992.0'],
    [-(2 ** 60), '-1152921504606847000.0'],
    [999_999_999_999_999_900_000, '999999999999999900000.0'],
    [1e21, '1e+21'],
    [1e300, '1e+300'],
    [-1e-7, '-1e-7'],
    [0.1, '0.1'],
  ] as const;
  for (const [value, expected] of written) {
    expect(text('float64', value)).toBe(expected);
    expect(text('array<float64>', [value, null])).toBe(`[${expected},null]`);
  }
  expect(text('float32', 20)).toBe('20.0');
  expect(text('vector(3)', Float32Array.of(0.5, 1, 0))).toBe('[0.5,1.0,0.0]');
  fc.assert(
    fc.property(fc.double({ noNaN: true, noDefaultInfinity: true }), (value) => {
      expect(text('float64', value)).toMatch(/[.e]/);
      expect(JSON.parse(text('float64', value))).toBe(value);
    }),
  );
});

test("a timestamp in Feast's style is whole seconds, rounded down also before 1970", () => {
  const encode = jsonEncoder('timestamp', 'feast');
  expect(encode(1_500_000n)).toBe('1');
  expect(encode(-1n)).toBe('-1');
  expect(encode(-1_000_000n)).toBe('-1');
});

test('what is no value of the type is refused', () => {
  const wrong: readonly (readonly [ValueType, readonly unknown[]])[] = [
    ['int64', [1.5, '1.0', 'x', '', true, 2n ** 63n, 9_007_199_254_740_992, {}, []]],
    ['int32', [2 ** 31, 1.5, '1', true]],
    ['bool', [0, 'true']],
    ['string', [1, true, '\ud800', 'a\udc00b']],
    ['date', ['2026-02-30', '0000-01-01', '2026-1-1', '2026-01-01T00:00:00Z']],
    ['timestamp', [1_767_225_600, 'yesterday']],
    ['bytes', ['not base64!']],
    // Half of a surrogate pair, which is no JSON to others, raw or as an escape.
    ['json', ['{', '"\ud800"', '"\\ud800"', '{"\\uDC00": 1}', '["\\\\\\ud800"]']],
    ['float64', ['1', true, Number.POSITIVE_INFINITY, 10n ** 400n]],
    ['float32', [1e39, -(10n ** 39n)]],
    ['vector(2)', [[1], [1, null], 'x', [1, 1e39]]],
    ['array<int64>', [[1.5], 1]],
  ];
  for (const [type, values] of wrong) {
    for (const value of values) {
      expect(jsonDecoder(type)(value as never), `${type} ${String(value)}`).toBeUndefined();
    }
  }
});

test('what only looks like half of a surrogate pair is JSON', () => {
  for (const text of ['"\\ud83d\\ude00"', '"\\\\ud800"', '"\\u0041"'])
    expect(jsonDecoder('json')(text)).toBe(text);
});

test('what was found instead is told in a few words, however long it is', () => {
  expect(foundJson(10n ** 1000n).length).toBeLessThan(50);
  expect(foundJson('x'.repeat(1000)).length).toBeLessThan(60);
  expect(foundJson('a\ud800')).toBe('text with half of a surrogate pair');
  expect(foundJson(Number.POSITIVE_INFINITY)).toBe('a number that is too large');
  expect(wrongJson(new Array(1e6).fill('x'), 'array<int32>').length).toBeLessThan(100);
});

test.each([
  [2 ** 53, 'int64', 'found 9007199254740992, which is no exact integer; allowed is an integer of 64 bits'],
  [1e300, 'int32', 'found 1e+300, which is no exact integer; allowed is an integer of 32 bits'],
  [1e39, 'float32', 'found 1e+39; allowed is a number that 32 bits can hold.'],
  [1e300, 'string', 'found 1e+300; allowed is text.'],
  [[1, 2, null], 'vector(3)', 'found null at [2]; allowed is a list of 3 numbers that 32 bits can hold.'],
  [[1, 1e39], 'vector(2)', 'found 1e+39 at [1]; allowed is a list of 2 numbers that 32 bits can hold.'],
  [[1, 2], 'vector(3)', 'found a list of 2; allowed is a list of 3 numbers'],
  [
    [null, 1, 'x'],
    'array<float64>',
    'found the text "x" at [2]; allowed is a list, of which each is null or a number.',
  ],
  [[[1]], 'array<int32>', 'found a list of 1 at [0]; allowed is a list, of which each is null or an integer'],
  [{}, 'array<string>', 'found an object; allowed is a list, of which each is null or text.'],
] as const)('%j is refused as %s: %s', (json, type, message) => {
  expect(jsonDecoder(type)(json)).toBeUndefined();
  expect(wrongJson(json, type)).toContain(message);
});
