import { TidemarkError } from '../core/errors.ts';
import type { BatchViewSpec } from '../core/feature-view.ts';
import type { Interval } from '../core/interval.ts';
import { type Schedule, scheduleOf } from '../core/schedule.ts';
import type { SourceReader } from '../offline/source-reader.ts';

/** A chunk never holds more source rows than this by estimate, nor more intervals than the next. */
const ROWS_PER_CHUNK = 5_000_000;
const INTERVALS_PER_CHUNK = 2_000;

/** Of more gaps than these, the longest are looked at. */
const RANGES_MEASURED = 8;

/** How often the newer half is tried alone when a range has a file in it that nobody can read. */
const HALVINGS = 4;

/**
 * How many intervals a chunk holds, estimated from what is to be computed and from nothing else of the source: years
 * of older data cost a run nothing, and a bad file among them is of no concern. Single intervals, as a tick brings
 * them, are not looked at. A power of two (times the largest size), so that runs over other parts mostly cut alike.
 */
export async function intervalsPerChunk(
  view: BatchViewSpec,
  ranges: readonly Interval[],
  sources: Pick<SourceReader, 'extent'>,
): Promise<number> {
  const schedule = scheduleOf(view.schedule);
  const divisible = ranges
    .map((range) => ({ range, intervals: countOf(schedule, range) }))
    .filter(({ intervals }) => intervals > 1)
    .toSorted((a, b) => b.intervals - a.intervals);
  let rows = 0;
  let intervals = 0;
  let unreadable: unknown;
  for (const { range } of divisible.slice(0, RANGES_MEASURED)) {
    try {
      const measured = await measure(view, schedule, range, sources);
      rows += measured.rows;
      intervals += measured.intervals;
    } catch (error) {
      if (!isLasting(error)) throw error;
      unreadable ??= error;
    }
  }
  if (intervals === 0 && unreadable !== undefined) throw unreadable;
  let size = INTERVALS_PER_CHUNK;
  while (size > 1 && size * rows > ROWS_PER_CHUNK * intervals) size = Math.ceil(size / 2);
  return size;
}

interface Measured {
  readonly rows: number;
  readonly intervals: number;
}

/** Of the range or, where that cannot be read, of its newer part: the chunk that holds the bad file will say so. */
async function measure(
  view: BatchViewSpec,
  schedule: Schedule,
  range: Interval,
  sources: Pick<SourceReader, 'extent'>,
): Promise<Measured> {
  let part = range;
  let first: unknown;
  for (let halvings = 0; ; halvings++) {
    try {
      const extents = await Promise.all(view.sources.map((source) => sources.extent(source, part)));
      const rows = extents.reduce((total, extent) => total + extent.rows, 0);
      return { rows, intervals: countOf(schedule, part) };
    } catch (error) {
      first ??= error;
      const ticks = schedule.ticks(part.start, part.end);
      const middle = ticks[Math.floor(ticks.length / 2)];
      if (!isLasting(error) || halvings === HALVINGS || middle === undefined || middle >= part.end)
        throw first;
      part = { start: middle, end: part.end };
    }
  }
}

function isLasting(error: unknown): boolean {
  return error instanceof TidemarkError && !error.retryable;
}

function countOf(schedule: Schedule, { start, end }: Interval): number {
  return schedule.ticks(start, end).length - 1;
}
