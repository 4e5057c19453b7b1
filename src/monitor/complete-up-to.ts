import type { Micros } from '../core/time.ts';
import { watermarkOf } from '../ledger/watermark.ts';
import { firstTick } from '../materialize/due-range.ts';
import type { ViewCoverage } from './read-views.ts';

/** What freshness is counted from: the watermark, or of a stream view its newest event. */
export function completeUpTo({ view, coverage, newestEvent }: ViewCoverage): Micros {
  return newestEvent ?? (view.stream === true ? firstTick(view) : watermarkOf(firstTick(view), coverage));
}
