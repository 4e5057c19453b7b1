import type { ViewVersion } from '../core/feature-view.ts';
import type { Interval } from '../core/interval.ts';
import type { SourceSpec } from '../core/source.ts';
import type { DurationMicros } from '../core/time.ts';

/**
 * Knows of rows that came to a source after intervals that read it had been computed. The answer follows
 * from what is recorded, not from what was told: it stays the same until those intervals are committed anew, whoever
 * asks and however often.
 */
export interface LateInput {
  /**
   * The committed stretches of a version that rows of the source which came since reach: each from its event time
   * until `reach` after it. Ascending, merged; they need not lie on ticks. Empty for a source that cannot tell.
   */
  lateRanges(request: LateInputRequest): Promise<readonly Interval[]>;
}

export interface LateInputRequest {
  readonly version: ViewVersion;
  readonly source: SourceSpec;
  /** How far after its event time a row is read: the view's largest window. */
  readonly reach: DurationMicros;
}
