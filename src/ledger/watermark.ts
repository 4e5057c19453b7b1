import { contiguousEnd, type Interval, subtract } from '../core/interval.ts';
import type { Micros } from '../core/time.ts';
import type { Coverage } from './ledger.ts';

/** The time up to which a version is complete: the end of the contiguous committed prefix, else its start. */
export function watermarkOf(start: Micros, coverage: Pick<Coverage, 'committed'>): Micros {
  return contiguousEnd(start, coverage.committed);
}

/** What of `range` has neither been committed nor waits for a decision. */
export function missingOf(
  range: Interval,
  coverage: Pick<Coverage, 'committed' | 'held'>,
): readonly Interval[] {
  return subtract(range, [...coverage.committed, ...coverage.held]);
}
