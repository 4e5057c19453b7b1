import { earliest, formatTime, latest, type Micros } from './time.ts';

/**
 * A half-open span of time `[start, end)`, never empty.
 *
 * Invariants of every list made here: sorted by start, no overlap, no two that touch (touching ones are merged).
 */
export interface Interval {
  readonly start: Micros;
  readonly end: Micros;
}

export function interval(start: Micros, end: Micros): Interval {
  if (start >= end)
    throw new RangeError(`An interval must end after it starts: ${formatTime(start)} to ${formatTime(end)}`);
  return { start, end };
}

export function formatInterval({ start, end }: Interval): string {
  return `[${formatTime(start)}, ${formatTime(end)})`;
}

export function overlaps(a: Interval, b: Interval): boolean {
  return a.start < b.end && b.start < a.end;
}

export function contains(outer: Interval, inner: Interval): boolean {
  return outer.start <= inner.start && inner.end <= outer.end;
}

export function intersect(a: Interval, b: Interval): Interval | undefined {
  const start = latest(a.start, b.start);
  const end = earliest(a.end, b.end);
  return start < end ? { start, end } : undefined;
}

/** Sorted and merged: overlapping and touching intervals become one. */
export function union(intervals: readonly Interval[]): readonly Interval[] {
  const sorted = intervals.toSorted((a, b) => (a.start < b.start ? -1 : a.start > b.start ? 1 : 0));
  const merged: Interval[] = [];
  for (const next of sorted) {
    const last = merged.at(-1);
    if (last !== undefined && next.start <= last.end) {
      if (next.end > last.end) merged[merged.length - 1] = { start: last.start, end: next.end };
    } else merged.push(next);
  }
  return merged;
}

/** The parts of `whole` that no interval of `parts` covers. */
export function subtract(whole: Interval, parts: readonly Interval[]): readonly Interval[] {
  const rest: Interval[] = [];
  let start = whole.start;
  for (const part of union(parts)) {
    if (part.end <= start) continue;
    if (part.start >= whole.end) break;
    if (part.start > start) rest.push({ start, end: part.start });
    start = part.end;
  }
  if (start < whole.end) rest.push({ start, end: whole.end });
  return rest;
}

/** Where the contiguous prefix of `done` that begins at `start` ends; `start` itself when nothing is done there. */
export function contiguousEnd(start: Micros, done: readonly Interval[]): Micros {
  for (const part of union(done)) {
    if (part.start <= start && start < part.end) return part.end;
  }
  return start;
}
