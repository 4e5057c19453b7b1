import { digestOf } from '../core/canonical.ts';
import { formatViewVersion, type ViewVersion } from '../core/feature-view.ts';
import type { Interval } from '../core/interval.ts';
import { formatTime } from '../core/time.ts';

/**
 * Names the effect of computing a range: the same key means the same rows, to the byte. So `engine`, what
 * computes them, is in it: a newer one must not put other bytes under a name that is committed.
 */
export function effectKeyOf(
  version: ViewVersion,
  fingerprint: string,
  range: Interval,
  inputDigest: string,
  engine: string,
): string {
  return digestOf({
    project: version.project,
    view: formatViewVersion(version),
    fingerprint,
    start: formatTime(range.start),
    end: formatTime(range.end),
    inputDigest,
    engine,
  });
}
