import { expect, test } from 'vitest';
import { batchView, fileSource } from '../../test/support/offline-case.ts';
import { TidemarkError } from '../core/errors.ts';
import { formatInterval, type Interval } from '../core/interval.ts';
import { timeOf } from '../core/time.ts';
import type { SourceReader } from '../offline/source-reader.ts';
import { intervalsPerChunk } from './chunk-size.ts';

const view = batchView(fileSource({ path: 'events.parquet' }), { kind: 'passthrough' }, []);
const hours = (start: number, end: number): Interval => ({ start: hour(start), end: hour(end) });
const hour = (hours: number) => timeOf(new Date(Date.UTC(2026, 0, 1, hours)).toISOString());

/** A source with so many rows each hour, and what was asked of it. */
function sourceOf(
  rowsPerHour: number,
  fail: (range: Interval) => TidemarkError | undefined = () => undefined,
) {
  const asked: Interval[] = [];
  const reader: Pick<SourceReader, 'extent'> = {
    async extent(_, range) {
      if (range === undefined) throw new Error('The whole source was looked at.');
      asked.push(range);
      const error = fail(range);
      if (error !== undefined) throw error;
      return { rows: rowsPerHour * (Number(range.end - range.start) / 3_600_000_000), bytes: 0 };
    },
  };
  return { reader, asked: () => asked.map(formatInterval) };
}

test('single intervals, as every tick brings them, are not looked at', async () => {
  const { reader, asked } = sourceOf(1);
  expect(await intervalsPerChunk(view, [hours(0, 1), hours(7, 8)], reader)).toBe(2_000);
  expect(asked()).toEqual([]);
});

test('only what is to be computed is looked at, and of many gaps the longest', async () => {
  const { reader, asked } = sourceOf(1_000_000);
  const gaps = Array.from({ length: 20 }, (_, at) => hours(at * 100, at * 100 + 2 + at));
  expect(await intervalsPerChunk(view, gaps, reader)).toBe(4);
  expect(asked()).toEqual(gaps.toReversed().slice(0, 8).map(formatInterval));
});

test('where an old file cannot be read, the newer half tells the size', async () => {
  const lasting = new TidemarkError('SOURCE_UNREADABLE', 'No Parquet.', { lasting: true });
  const { reader, asked } = sourceOf(5_000_000, ({ start }) => (start < hour(3) ? lasting : undefined));
  expect(await intervalsPerChunk(view, [hours(0, 8)], reader)).toBe(1);
  expect(asked()).toEqual([hours(0, 8), hours(4, 8)].map(formatInterval));
});

test('a source that cannot be read at all ends the plan, and one that is away does so at once', async () => {
  const lasting = new TidemarkError('SOURCE_UNREADABLE', 'No Parquet.', { lasting: true });
  await expect(intervalsPerChunk(view, [hours(0, 8)], sourceOf(1, () => lasting).reader)).rejects.toBe(
    lasting,
  );
  const away = new TidemarkError('SOURCE_UNREADABLE', 'No answer.');
  const { reader, asked } = sourceOf(1, () => away);
  await expect(intervalsPerChunk(view, [hours(0, 8)], reader)).rejects.toBe(away);
  expect(asked()).toHaveLength(1);
});
