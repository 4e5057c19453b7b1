import { expect, test } from 'vitest';
import { timeOf } from '../core/time.ts';
import { featureFilePath } from './file-path.ts';

const pathOf = (start: string, end: string) =>
  featureFilePath(
    { project: 'flights', view: 'delays', version: 2 },
    { start: timeOf(start), end: timeOf(end) },
    '1f0c9a2b7d3e4f50aaaa',
  );

test('a file is found by project, view, version, month and the times of its range', () => {
  expect(pathOf('2026-03-01T00:00:00Z', '2026-03-08T06:00:00Z')).toBe(
    'flights/delays/v2/2026-03/2026-03-01T00Z_2026-03-08T06Z.1f0c9a2b7d3e4f50.parquet',
  );
});

test('times are as long as they need to be, and different times have different names', () => {
  const names = ['00:00:00Z', '00:00:15Z', '00:30:00Z', '00:30:15Z', '03:00:00Z', '00:03:00Z'].map(
    (time) => pathOf('2026-03-01T00:00:00Z', `2026-03-02T${time}`).split('_')[1]?.split('.')[0],
  );
  expect(names).toEqual([
    '2026-03-02T00Z',
    '2026-03-02T000015Z',
    '2026-03-02T0030Z',
    '2026-03-02T003015Z',
    '2026-03-02T03Z',
    '2026-03-02T0003Z',
  ]);
});
