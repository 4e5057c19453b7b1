import { expect, test } from 'vitest';
import { acceptedTypes, isAccepted } from '../core/accepted-types.ts';
import { aggregationType } from './type-rules.ts';

test.each([
  ['int32', 'int64', true],
  ['int64', 'int32', false],
  ['int64', 'float64', true],
  ['float64', 'float32', false],
  ['date', 'timestamp', true],
  ['timestamp', 'date', false],
  ['string', 'int64', false],
  ['array<int32>', 'array<int64>', true],
  ['array<float32>', 'vector(3)', true],
  ['vector(4)', 'vector(3)', false],
  [null, 'string', false],
] as const)('a column of type %s for a declared %s is accepted: %s', (found, declared, accepted) => {
  expect(isAccepted(found, declared)).toBe(accepted);
});

test('a type is always made from itself, and first', () => {
  for (const type of ['bool', 'json', 'array<string>', 'vector(7)'] as const) {
    expect(acceptedTypes(type)[0]).toBe(type);
  }
});

test.each([
  ['count', 'string', null, 'int64'],
  ['countDistinct', 'string', null, 'int64'],
  ['sum', 'int32', 'int64', 'int64'],
  ['sum', 'int32', 'float64', 'float64'],
  ['avg', 'int64', null, 'float64'],
  ['quantile', 'float32', null, 'float64'],
  ['max', 'timestamp', null, 'timestamp'],
  ['min', 'int32', 'int64', 'int64'],
  ['mode', 'string', null, 'string'],
  ['last', 'float64', null, 'float64'],
  ['collectList', 'int32', null, 'array<int32>'],
  ['collectList', 'int32', 'array<float64>', 'array<float64>'],
] as const)('%s of %s declared as %s is %s', (fn, column, declared, type) => {
  expect(aggregationType(fn, column, declared)).toEqual({ ok: true, type });
});

test.each([
  ['sum', 'string', 'float64', 'column'],
  ['sum', 'float64', 'int64', 'column'],
  ['avg', 'bool', null, 'column'],
  ['avg', 'int64', 'int64', 'type'],
  ['count', 'int64', 'int32', 'type'],
  ['min', 'json', null, 'column'],
  ['min', 'int64', 'int32', 'type'],
  ['first', 'array<int32>', null, 'column'],
  ['collectList', 'string', 'array<int64>', 'type'],
  ['median', null, null, 'column'],
] as const)('%s of %s declared as %s is refused for its %s', (fn, column, declared, about) => {
  expect(aggregationType(fn, column, declared)).toMatchObject({ ok: false, about });
});
