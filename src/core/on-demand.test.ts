import { describe, expect, test } from 'vitest';
import { coerceValue } from './coerce-value.ts';
import type { OnDemandViewSpec } from './feature-view.ts';
import { evaluateOnDemand, onDemandFunctionOf } from './on-demand.ts';
import { timeOf } from './time.ts';
import type { Value, ValueType } from './value-type.ts';

const view: OnDemandViewSpec = {
  kind: 'on_demand_view',
  name: 'spend_ratio',
  version: 2,
  inputs: [],
  features: [
    { name: 'ratio', type: 'float64', description: '' },
    { name: 'visits', type: 'int64', description: '' },
  ],
  fingerprint: 'f',
  description: '',
  owner: '',
  tags: {},
};

describe('an on-demand function', () => {
  test('gives its values in the order of the features, in their types', () => {
    expect(
      evaluateOnDemand(view, ({ a }) => ({ visits: 3, ratio: Number(a?.x) / 2 }), { a: { x: 5n } }),
    ).toEqual({ ok: true, values: [2.5, 3n] });
  });

  test.each([
    [
      () => {
        throw new Error('no plane');
      },
      'it threw: no plane',
    ],
    [() => ({ ratio: 1 }), 'it returned no "visits"'],
    [() => ({ ratio: 1, visits: 1.5 }), 'it returned 1.5 for "visits", which is int64'],
    [() => ({ ratio: 'secret', visits: 1 }), 'it returned a string for "ratio", which is float64'],
    [
      () => ({ ratio: null, visits: null, other: 1 }),
      'it returned "other", which is not one of its features',
    ],
    [() => 7 as never, 'it returned 7 where an object of features is expected'],
    [(async () => ({ ratio: 1 })) as never, 'it returned a promise; a transform must not be async'],
  ])('that goes wrong is answered with what it did (%#)', (transform, error) => {
    expect(evaluateOnDemand(view, transform, {})).toEqual({ ok: false, error });
  });

  test('sees and gives zeros of one sign, wherever they come from', () => {
    const seen: unknown[] = [];
    const inputs = { a: { x: -0, list: [1, -0], vector: Float32Array.of(-0, 2), other: 'kept' } };
    const result = evaluateOnDemand(
      view,
      ({ a }) => {
        const { x, list = [], vector = [], other } = a ?? {};
        seen.push(x, ...(list as number[]), ...(vector as Float32Array), other);
        return { ratio: -0, visits: 1 };
      },
      inputs,
    );
    expect(seen).toEqual([0, 1, 0, 0, 2, 'kept']);
    expect(result).toEqual({ ok: true, values: [0, 1n] });
    expect(inputs.a.x).toBe(-0);
  });

  test('is found under its view and version', () => {
    const transform = () => ({});
    expect(onDemandFunctionOf(new Map([['spend_ratio@v2', transform]]), view)).toBe(transform);
    expect(onDemandFunctionOf(new Map([['spend_ratio@v1', transform]]), view)).toBeUndefined();
  });
});

describe('a value of a function', () => {
  const fits: readonly [ValueType, unknown, Value][] = [
    ['bool', false, false],
    ['int32', 7n, 7],
    ['int64', 7, 7n],
    ['float32', 0.1, Math.fround(0.1)],
    ['float64', 3n, 3],
    ['json', { a: [1] }, '{"a":[1]}'],
    ['json', '[1]', '[1]'],
    ['timestamp', new Date('2026-01-01T00:00:00Z'), timeOf('2026-01-01')],
    ['date', new Date('2026-01-01T23:00:00Z'), '2026-01-01'],
    ['array<int64>', [1, null, 2n], [1n, null, 2n]],
    ['vector(2)', [1, 2], Float32Array.of(1, 2)],
    ['string', null, null],
  ];
  test.each(fits)('as %s: %s fits', (type, given, value) => {
    expect(coerceValue(given, type)).toEqual(value);
  });

  test.each([
    ['bool', 1],
    ['int32', 2 ** 31],
    ['int64', 2 ** 53],
    ['int64', 2n ** 63n],
    ['int64', '7'],
    ['float64', 2n ** 60n],
    ['string', 7],
    ['json', '{'],
    ['timestamp', '2026-01-01'],
    ['timestamp', new Date('never')],
    ['date', '2026-02-30'],
    ['bytes', 'a'],
    ['array<int32>', 1],
    ['array<int32>', ['a']],
    ['vector(2)', [1, 2, 3]],
    ['vector(2)', [1, null]],
  ] as readonly [ValueType, unknown][])('as %s: %s is refused', (type, given) => {
    expect(coerceValue(given, type)).toBeUndefined();
  });
});
