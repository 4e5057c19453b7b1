import type { Interval } from '../core/interval.ts';
import type { Schedule } from '../core/schedule.ts';
import type { Micros } from '../core/time.ts';

/**
 * Cuts missing ranges into chunks of at most `intervals` intervals. Cuts lie on a grid counted from the view's
 * first tick, not from the range, so that resumed work is cut exactly as undisturbed work would have been.
 */
export function cutChunks(
  schedule: Schedule,
  start: Micros,
  missing: readonly Interval[],
  intervals: number,
): readonly Interval[] {
  const end = missing.at(-1)?.end;
  if (end === undefined) return [];
  const ticks = schedule.ticks(start, end);
  const grid = ticks.filter((_, index) => index % intervals === 0);
  return missing.flatMap((range) => cut(range, grid));
}

function cut(range: Interval, grid: readonly Micros[]): readonly Interval[] {
  const chunks: Interval[] = [];
  let start = range.start;
  for (const next of grid) {
    if (next <= start) continue;
    if (next >= range.end) break;
    chunks.push({ start, end: next });
    start = next;
  }
  chunks.push({ start, end: range.end });
  return chunks;
}
