import { describe, expect, test } from 'vitest';
import { didYouMean, editDistance, nearest } from './nearest.ts';

describe('nearest', () => {
  test.each([
    ['', 'abc', 3],
    ['kitten', 'sitting', 3],
    ['caf', 'acf', 1],
    ['same', 'same', 0],
  ])('%j is %j after %d edits', (a, b, edits) => {
    expect(editDistance(a, b)).toBe(edits);
    expect(editDistance(b, a)).toBe(edits);
  });

  test('finds the name that was meant, whatever its case', () => {
    expect(nearest('sesions_7d', ['tokens_7d', 'sessions_7d', 'sessions_30d'])).toBe('sessions_7d');
    expect(nearest('USER', ['user', 'plane'])).toBe('user');
  });

  test('suggests nothing when nothing is alike', () => {
    expect(nearest('carrier', ['weather_now', 'x'])).toBeUndefined();
    expect(didYouMean('carrier', [])).toBe('');
    expect(didYouMean('carier', ['carrier'])).toBe(' Did you mean "carrier"?');
  });
});
