import { contains, contiguousEnd, type Interval, subtract } from '../core/interval.ts';
import type { Micros } from '../core/time.ts';
import type { Coverage } from './ledger.ts';

/** The time up to which a version is complete: the end of the contiguous committed prefix, else its start. */
export function watermarkOf(start: Micros, coverage: Pick<Coverage, 'committed'>): Micros {
  return contiguousEnd(start, coverage.committed);
}

/**
 * What of `range` has to be computed: what is neither committed nor waits for a decision, ascending. An approved
 * range is a part of its own, even where it touches others or replaces what is committed: computed together with
 * its neighbours it would no longer be the effect that was approved.
 */
export function missingOf(
  range: Interval,
  coverage: Pick<Coverage, 'committed' | 'held' | 'approved'>,
): readonly Interval[] {
  const approved = coverage.approved.filter((part) => contains(range, part));
  const rest = subtract(range, [...coverage.committed, ...coverage.held, ...approved]);
  return [...rest, ...approved].toSorted((a, b) => (a.start < b.start ? -1 : 1));
}
