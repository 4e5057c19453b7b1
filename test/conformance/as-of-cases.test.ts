import fc from 'fast-check';
import { expect, test } from 'vitest';
import { KEYED, TICK, viewCase } from './as-of-cases.ts';

test('event times lie in their intervals, both ends included, as those of all rows that are computed', () => {
  for (const views of fc.sample(fc.tuple(...KEYED.map(viewCase)), 300)) {
    const rows = views.flatMap(({ files }) => files.flatMap((file) => file.rows));
    const strays = rows.filter(
      ({ eventTime, intervalEnd }) => eventTime > intervalEnd || eventTime < intervalEnd - TICK,
    );
    expect(strays).toEqual([]);
  }
});
