import { expect, test } from 'vitest';
import type { FeatureProfile } from '../offline/feature-computer.ts';
import { compareProfiles } from './compare-profiles.ts';

const profile = (rows: number, features: FeatureProfile['features']): FeatureProfile => ({
  rows,
  entities: 10,
  features,
});
const spend = (nulls: number, mean: number | null) => ({ feature: 'spend', nulls, min: 0, max: 9, mean });

test('two versions with the same shape raise no concern', () => {
  const compared = compareProfiles(null, profile(1000, [spend(10, 5)]), profile(1005, [spend(12, 5.1)]));
  expect(compared.concerns).toEqual([]);
  expect(compared.features).toEqual([
    { feature: 'spend', nullShare: { from: 0.01, to: 12 / 1005 }, mean: { from: 5, to: 5.1 } },
  ]);
});

test('a loss of rows, more nulls and another mean are each a concern', () => {
  const { concerns } = compareProfiles(null, profile(1000, [spend(10, 5)]), profile(900, [spend(100, 9)]));
  expect(concerns).toEqual([
    'rows: 1000 before, 900 now',
    'spend: 1.0 % null before, 11.1 % now',
    'spend: mean 5.000 before, 9.000 now',
  ]);
});

test('features that only one version has are listed, not compared', () => {
  const visits = { feature: 'visits', nulls: 0, min: 0, max: 1, mean: 0.5 };
  const compared = compareProfiles(null, profile(1, [spend(0, 1)]), profile(1, [visits]));
  expect(compared).toMatchObject({ added: ['visits'], removed: ['spend'], features: [] });
});

test('a version without rows has a null share of nothing', () => {
  const { features } = compareProfiles(null, profile(0, [spend(0, null)]), profile(0, [spend(0, null)]));
  expect(features[0]?.nullShare).toEqual({ from: 0, to: 0 });
});
