import { expect, test } from 'vitest';
import { type DurationMicros, micros } from '../core/time.ts';
import { effectKeyOf } from './effect-key.ts';

test('an effect has another name when anything that decides its bytes differs', () => {
  const version = { project: 'p', view: 'v', version: 1 };
  const hour = 3_600_000_000n as DurationMicros;
  const range = { start: micros(0n), end: micros(hour) };
  const base = ['print', range, 'input', 'engine 1'] as const;
  const keys = [
    effectKeyOf(version, ...base),
    effectKeyOf({ ...version, project: 'q' }, ...base),
    effectKeyOf({ ...version, version: 2 }, ...base),
    effectKeyOf(version, 'other print', range, 'input', 'engine 1'),
    effectKeyOf(version, 'print', { ...range, end: micros(2n * hour) }, 'input', 'engine 1'),
    effectKeyOf(version, 'print', range, 'other input', 'engine 1'),
    effectKeyOf(version, 'print', range, 'input', 'engine 2'),
  ];
  expect(new Set(keys).size).toBe(keys.length);
  expect(effectKeyOf(version, ...base)).toBe(keys[0]);
});
