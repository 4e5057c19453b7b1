import { expect, test } from 'vitest';
import { materializeId, materializeRunId } from './ids.ts';

const target = { project: 'p', view: 'v', version: 1 };
const range = { start: '2026-01-01T00:00:00Z', end: '2026-01-02T00:00:00Z' };

test('a run by hand of everything that is due is the one that the schedule starts', () => {
  expect(materializeRunId(target)).toBe(materializeId(target));
  expect(materializeRunId({ ...target, restate: false })).toBe(materializeId(target));
});

test('a restatement or a range is a run of its own, the same one when asked for again', () => {
  const asked = [
    { ...target, restate: true },
    { ...target, range },
    { ...target, range, restate: true },
  ];
  expect(new Set([target, ...asked].map(materializeRunId)).size).toBe(4);
  expect(materializeRunId({ ...target, range: { ...range } })).toBe(materializeRunId({ ...target, range }));
});
