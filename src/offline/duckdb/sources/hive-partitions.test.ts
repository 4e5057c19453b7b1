import { expect, test } from 'vitest';
import { timeOf } from '../../../core/time.ts';
import { partitionedFile, partitionKeys, touches } from './hive-partitions.ts';

const range = { from: timeOf('2026-01-31T23:30:00Z'), to: timeOf('2026-02-01T01:00:00Z') };

test.each([
  ['day', '2026-01-30', false],
  ['day', '2026-01-31', true],
  ['day', '20260201', true],
  ['day', '2026-02-02', false],
  ['month', '2025-12', false],
  ['month', '2026-01', true],
  ['month', '2026-03', false],
  ['hour', '2026-01-31-22', false],
  ['hour', '2026-01-31T23', true],
  ['hour', '2026-02-01%2000', true],
  ['hour', '2026-02-01-01', false],
  // A folder that tells no time is never left out.
  ['day', '__HIVE_DEFAULT_PARTITION__', true],
  ['day', '2026-03', true],
  ['hour', '2026-03-01', true],
] as const)('a folder by %s of %s can hold rows of the range: %s', (granularity, value, expected) => {
  expect(touches(partitionedFile(`data/at=${value}/a.parquet`), { column: 'at', granularity }, range)).toBe(
    expected,
  );
});

test('keys are those of all files, and none when they differ', () => {
  const files = (...paths: string[]) => partitionKeys(paths.map(partitionedFile));
  expect(files('/x/date=1/region=eu/a', '/x/date=2/region=us/b=c')).toEqual(['date', 'region']);
  expect(files('/x/date=1/a', '/x/b')).toEqual([]);
  expect(files()).toEqual([]);
});
