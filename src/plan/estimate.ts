import type { BatchViewSpec } from '../core/feature-view.ts';
import type { Interval } from '../core/interval.ts';
import { durationOf, earliest, subtractDuration } from '../core/time.ts';
import { type ScalarType, type ValueType, valueTypeOf } from '../core/value-type.ts';

/**
 * Estimates of a plan: orders of magnitude, so that nobody starts a day's work by mistake. They are not part of what
 * a plan executes, nor of its hash.
 */

/** Source rows that one view reads, computes, checks and publishes per second on two cores. */
const ROWS_PER_SECOND = 200_000;
/** What every view costs whatever its size: a workflow's start, leases, files. */
const SECONDS_PER_VIEW = 1;

export function estimatedSeconds(rows: number): number {
  return Math.ceil(SECONDS_PER_VIEW + rows / ROWS_PER_SECOND);
}

/** What is read of the sources for a range: for aggregations also the longest window before it. */
export function readRange(view: BatchViewSpec, range: Interval): Interval {
  if (view.transformation.kind !== 'aggregations') return range;
  const windows = view.transformation.aggregations.flatMap(({ aggregation }) =>
    aggregation.kind === 'simple'
      ? [aggregation.window]
      : [aggregation.numerator.window, aggregation.denominator.window],
  );
  const starts = windows.map((window) => subtractDuration(range.start, durationOf(window)));
  return { start: starts.reduce(earliest, range.start), end: range.end };
}

/** One packed row in Redis: key, entry and expiry of the server, and the row's header. */
const BYTES_PER_ONLINE_ROW = 150;

/**
 * An upper bound of the memory a version takes online. How many entities there are is not known before computing;
 * there are no more than source rows, and one without keys.
 */
export function estimatedOnlineBytes(view: BatchViewSpec, rows: number): number {
  if (!view.online) return 0;
  const width = view.features.reduce(
    (sum, { type }) => sum + typeWidth(type),
    Math.ceil(view.features.length / 8),
  );
  const entities = view.joinKeys.length === 0 ? Math.min(rows, 1) : rows;
  return entities * (BYTES_PER_ONLINE_ROW + width);
}

/** Bytes of a value; texts and lists by what is usual. */
function typeWidth(type: ValueType): number {
  const parsed = valueTypeOf(type);
  switch (parsed.kind) {
    case 'scalar':
      return SCALAR_WIDTH[parsed.type];
    case 'array':
      return 4 + 10 * SCALAR_WIDTH[parsed.element];
    case 'vector':
      return 4 * parsed.size;
  }
}

const SCALAR_WIDTH: Readonly<Record<ScalarType, number>> = {
  bool: 1,
  int32: 4,
  int64: 8,
  float32: 4,
  float64: 8,
  string: 20,
  bytes: 64,
  timestamp: 8,
  date: 4,
  json: 200,
};
