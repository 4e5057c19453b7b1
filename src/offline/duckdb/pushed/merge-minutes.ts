import type { Interval } from '../../../core/interval.ts';
import { type Micros, micros } from '../../../core/time.ts';

const MINUTE = 60_000_000n;

/**
 * Intervals that hold the minutes, which are given ascending by their starts. Neighbours are one; of more than
 * `most` intervals, those with the least time between them are joined.
 */
export function mergeMinutes(minutes: readonly Micros[], most = 64): readonly Interval[] {
  const gaps: bigint[] = [];
  for (let at = 1; at < minutes.length; at++) {
    gaps.push((minutes[at] ?? micros(0n)) - (minutes[at - 1] ?? micros(0n)));
  }
  const largest = gaps.toSorted((a, b) => (a > b ? -1 : a < b ? 1 : 0)).slice(0, most - 1);
  const smallest = largest.at(-1) ?? MINUTE;
  const intervals: { start: Micros; end: Micros }[] = [];
  for (const minute of minutes) {
    const last = intervals.at(-1);
    const gap = last === undefined ? 0n : minute - last.end + MINUTE;
    const end = micros(minute + MINUTE);
    const isJoined = gap <= MINUTE || gap < smallest || intervals.length === most;
    if (last !== undefined && isJoined) last.end = end;
    else intervals.push({ start: minute, end });
  }
  return intervals;
}
