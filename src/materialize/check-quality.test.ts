import { expect, test } from 'vitest';
import type { FeatureProfile } from '../offline/feature-computer.ts';
import { brokenRules } from './check-quality.ts';

const profile = (rows: number, more: Partial<FeatureProfile['features'][number]> = {}): FeatureProfile => ({
  rows,
  entities: 1,
  features: [{ feature: 'amount', nulls: 0, min: 1, max: 9, mean: 5, ...more }],
});

test('rules that hold say nothing, at their very limits', () => {
  expect(
    brokenRules(
      [
        { kind: 'minRows', rows: 100 },
        { kind: 'maxNullShare', feature: 'amount', share: 0.25 },
        { kind: 'between', feature: 'amount', min: 1, max: 9 },
      ],
      profile(100, { nulls: 25 }),
    ),
  ).toEqual([]);
});

test('every broken rule says what was found and what was expected', () => {
  expect(
    brokenRules(
      [
        { kind: 'minRows', rows: 101 },
        { kind: 'maxNullShare', feature: 'amount', share: 0.25 },
        { kind: 'between', feature: 'amount', min: 2, max: null },
        { kind: 'between', feature: 'amount', min: null, max: 8 },
      ],
      profile(100, { nulls: 26 }),
    ),
  ).toEqual([
    '100 rows, at least 101 expected',
    'amount is null in 26.0 % of rows, at most 25.0 % expected',
    'amount goes down to 1, at least 2 expected',
    'amount goes up to 9, at most 8 expected',
  ]);
});

test('a feature that is always null has no bounds to break', () => {
  const nothing = profile(10, { nulls: 10, min: null, max: null, mean: null });
  expect(brokenRules([{ kind: 'between', feature: 'amount', min: 1, max: 2 }], nothing)).toEqual([]);
});
