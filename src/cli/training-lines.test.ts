import { expect, test } from 'vitest';
import type { ColumnProfile } from '../offline/table-profiler.ts';
import { diffLines } from './dataset-lines.ts';
import { trainingLines } from './training-lines.ts';

const set = {
  id: 'a'.repeat(64),
  rows: 520,
  seconds: 1,
  path: '/sets/a',
  reused: false,
  nullShares: {},
  possibleLeakage: [],
} as const;

test('parts of a split without rows are pointed out in one line, and full ones are not', () => {
  const told = (parts: Readonly<Record<string, number>>) =>
    trainingLines({ ...set, parts }).filter((line) => line.includes('no rows'));
  expect(told({ train: 520, validation: 0, test: 0 })).toEqual([
    '  validation and test have no rows: there are too few different times or entities for these shares',
  ]);
  expect(told({ train: 500, validation: 20, test: 0 })).toEqual([
    expect.stringContaining('  test has no rows'),
  ]);
  expect(told({ train: 400, test: 120 })).toEqual([]);
});

test('of a set of no rows nothing is told of how many have a value', () => {
  const lines = trainingLines({ ...set, rows: 0, nullShares: { spend: null }, parts: { train: 0, test: 0 } });
  expect(lines.find((line) => line.includes('spend'))).toBe('  spend    -');
  expect(lines.join()).not.toMatch(/%|too few/);
});

test('whole numbers are shown in all of their digits where two sets are compared', () => {
  const column = (value: number, exact?: string): ColumnProfile => ({
    name: 'n',
    type: 'BIGINT',
    nulls: 0,
    least: '1',
    greatest: '9007199254740997',
    numbers: {
      mean: 1,
      quantiles: [{ share: 0.5, value, ...(exact !== undefined && { exact }) }],
      notFinite: 0,
      histogram: { from: 0, to: 1, counts: [1] },
    },
    top: null,
  });
  const [before, after] = [column(1234567891), column(9007199254740996, '9007199254740995')];
  const lines = diffLines({
    ids: ['a', 'b'],
    rows: [1, 1],
    inputs: [],
    columns: [{ name: 'n', change: 'values', before, after }],
  });
  expect(lines.find((line) => line.includes('p50'))).toMatch(/p50 +1234567891 +9007199254740995$/);
});

test('empty text among the commonest values is called that where two sets are compared', () => {
  const column: ColumnProfile = {
    name: 'tier',
    type: 'VARCHAR',
    nulls: 0,
    least: null,
    greatest: null,
    numbers: null,
    top: [
      { value: 'gold', count: 2 },
      { value: '', count: 1 },
    ],
  };
  const columns = [{ name: 'tier', change: 'added', before: null, after: column }] as const;
  const lines = diffLines({ ids: ['a', 'b'], rows: [3, 3], inputs: [], columns });
  expect(lines.find((line) => line.includes('top'))).toContain('gold (2), empty text (1)');
});
