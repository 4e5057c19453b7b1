import { digestOf } from '../core/canonical.ts';
import { formatViewVersion, type ViewVersion } from '../core/feature-view.ts';
import type { Interval } from '../core/interval.ts';
import { formatTime } from '../core/time.ts';

/** Names the effect of computing a range: the same key means the same rows (DESIGN 6). */
export function effectKeyOf(
  version: ViewVersion,
  fingerprint: string,
  range: Interval,
  inputDigest: string,
): string {
  return digestOf({
    project: version.project,
    view: formatViewVersion(version),
    fingerprint,
    start: formatTime(range.start),
    end: formatTime(range.end),
    inputDigest,
  });
}
