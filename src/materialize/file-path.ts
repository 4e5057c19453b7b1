import type { ViewVersion } from '../core/feature-view.ts';
import type { Interval } from '../core/interval.ts';
import { formatTime, type Micros } from '../core/time.ts';

/**
 * Where the file of a range lies, relative to the offline root: a person finds it by view, version and date, and
 * its effect key keeps every state of a range apart, so nothing is ever overwritten by something else.
 *
 * `flights/carrier_delays/v1/2026-03/2026-03-01T00Z_2026-03-08T00Z.1f0c9a2b7d3e.parquet`
 */
export function featureFilePath(
  { project, view, version }: ViewVersion,
  range: Interval,
  effectKey: string,
): string {
  const month = formatTime(range.start).slice(0, 7);
  return `${project}/${view}/v${version}/${month}/${stamp(range.start)}_${stamp(range.end)}.${effectKey.slice(0, 16)}.parquet`;
}

/** `2026-03-01T00Z`, `…T0030Z`, `…T003015Z`: as short as the time allows, without colons. */
function stamp(time: Micros): string {
  return formatTime(time)
    .replace(/:/g, '')
    .replace(/00Z$/, 'Z')
    .replace(/T(\d\d)00Z$/, 'T$1Z');
}
