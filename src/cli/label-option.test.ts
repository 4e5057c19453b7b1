import { expect, test } from 'vitest';
import { labelOf } from './label-option.ts';

test('a label is a column of the entity rows, or a feature with a horizon', () => {
  expect(labelOf({})).toBeUndefined();
  expect(labelOf({ label: 'outcome' })).toEqual({ column: 'outcome' });
  expect(labelOf({ label: 'flights:delayed', horizon: '24h' })).toEqual({
    view: 'flights',
    feature: 'delayed',
    horizon: '24h',
  });
  expect(labelOf({ label: 'flights@v2:delayed', horizon: '24h' })).toMatchObject({ version: 2 });
});

test.each([
  [{ horizon: '24h' }, '--horizon needs a --label'],
  [{ checkLeakage: true }, '--check-leakage needs a --label'],
  [{ label: 'outcome', horizon: '24h' }, 'is a column of the entity rows, which has no --horizon'],
  [{ label: 'flights:delayed' }, 'needs a --horizon such as 24h'],
  [{ label: 'flights:*', horizon: '24h' }, 'must be one feature'],
  [{ label: 'flights:delayed', horizon: 'soon' }, '--horizon "soon" is not a duration'],
  [{ label: 'flights:delayed', horizon: '0h' }, '--horizon "0h" is not a duration'],
])('%j is one clear error', (options, text) => {
  expect(() => labelOf(options)).toThrow(text);
});
