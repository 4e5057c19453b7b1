import { expect, test } from 'vitest';
import type { Problem } from '../core/errors.ts';
import type { FeatureRow } from '../core/rows.ts';
import { timeOf } from '../core/time.ts';
import type { KeyValue, Value } from '../core/value-type.ts';
import { newestRows } from './newest-rows.ts';

const row = (key: readonly KeyValue[], at: string, value: Value, created = at): FeatureRow => ({
  key,
  values: [value],
  eventTime: timeOf(`2026-01-01T${at}:00Z`),
  createdTime: timeOf(`2026-01-01T${created}:00Z`),
  revision: 0,
});

function newest(...rows: readonly FeatureRow[]) {
  const problems: Problem[] = [];
  const kept = newestRows(rows, problems, 'routes');
  return { kept: kept.map(({ key, values: [value] }) => [...key, value]), problems };
}

test('of each entity the newest row is kept: by event time, then by created time', () => {
  const { kept, problems } = newest(
    row([1n], '10:00', 'old'),
    row([2n], '10:00', 'first', '11:00'),
    row([1n], '11:00', 'new'),
    row([2n], '10:00', 'corrected', '12:00'),
    row([1n], '09:00', 'older'),
  );
  expect(kept).toEqual([
    [1n, 'new'],
    [2n, 'corrected'],
  ]);
  expect(problems).toEqual([]);
});

test('keys whose texts run together are two entities', () => {
  expect(newest(row(['JFK', 'LAX'], '10:00', 1), row(['JF', 'KLAX'], '10:00', 2)).kept).toHaveLength(2);
  expect(newest(row(['1:a', 'b'], '10:00', 1), row(['1', 'a1:b'], '10:00', 2)).kept).toHaveLength(2);
});

test('a row that is sent twice is one; two truths about one moment are a problem that names both rows', () => {
  expect(newest(row([1n], '10:00', Number.NaN), row([1n], '10:00', Number.NaN))).toEqual({
    kept: [[1n, Number.NaN]],
    problems: [],
  });
  expect(newest(row([1n], '10:00', 1), row([2n], '10:00', 1), row([1n], '10:00', 2)).problems).toEqual([
    {
      where: 'df[2]',
      message:
        'found other values than in row 0 for the same entity of view "routes" at the same time (2026-01-01T10:00:00Z); send the one that is true.',
    },
  ]);
});
