import type { KnownAt } from '../core/as-of.ts';
import { TidemarkError } from '../core/errors.ts';
import { formatViewVersion } from '../core/feature-view.ts';
import type { Interval } from '../core/interval.ts';
import {
  addDuration,
  durationOf,
  earliest,
  formatTime,
  latest,
  type Micros,
  micros,
  subtractDuration,
  timeOf,
} from '../core/time.ts';
import type { Ledger } from '../ledger/ledger.ts';
import { watermarkOf } from '../ledger/watermark.ts';
import { firstTick } from '../materialize/due-range.ts';
import type { SpineDescription } from '../offline/as-of-engine.ts';
import { type KnownFilesDeps, knownFiles } from './known-files.ts';
import { horizonText, type ViewLabel } from './label.ts';
import { NOTHING, sliceRecords, slicesOf, type ViewReading } from './read-views.ts';

export interface LabelReading extends ViewReading {
  /** Entity rows after it are left out: their horizon has not passed. Null when there are none. */
  readonly notAfter: Micros | null;
}

/**
 * How a label is read, and for which entity rows its horizon has passed: the label view must be complete through
 * t + horizon, else a value that is still to come would be taken for none; and with a known-at cut-off, t + horizon
 * must not be after it, as nobody knew the end of a horizon before it had come.
 *
 * REQUEST_INVALID when it has passed for no entity row at all.
 */
export async function readLabel(
  project: string,
  label: ViewLabel,
  { span }: SpineDescription,
  {
    knownAt,
    ledger,
    offlineRoot,
  }: KnownFilesDeps & { readonly knownAt: KnownAt; readonly ledger: Pick<Ledger, 'coverage'> },
): Promise<LabelReading> {
  const { view, feature, horizon, name } = label;
  const version = { project, view: view.name, version: view.version };
  const watermark = watermarkOf(firstTick(view), await ledger.coverage(version));
  const known = knownAt.kind === 'cutoff' ? earliest(knownAt.at, completeThrough(label, watermark)) : null;
  const bound = subtractDuration(known ?? completeThrough(label, watermark), horizon);
  if (span !== null && span.first > bound) {
    throw new TidemarkError(
      'REQUEST_INVALID',
      `Cannot take "${view.name}:${feature.name}" as the label: the horizon of ${horizonText(horizon)} has passed for no entity row. ` +
        `The first is of ${formatTime(span.first)}, and ${formatViewVersion(version)} is complete until ${formatTime(watermark)}` +
        `${knownAt.kind === 'cutoff' ? `, known at ${formatTime(knownAt.at)}` : ''}.`,
    );
  }
  const range =
    span === null ? null : rangeOf(label, { first: span.first, last: earliest(span.last, bound) });
  // As in the engine: no label is known at its row's time.
  const asked: KnownAt = knownAt.kind === 'row' ? { kind: 'any' } : knownAt;
  const files =
    range === null ? NOTHING : await knownFiles(version, { range, knownAt: asked }, { ledger, offlineRoot });
  const validity = view.validTo === undefined ? {} : { validity: true };
  const keys = view.joinKeys.map((key) => key.name);
  return {
    range,
    forgotten: files.forgotten,
    notAfter: span === null || span.last <= bound ? null : bound,
    asOf: {
      view: view.name,
      version: view.version,
      joinKeys: view.joinKeys,
      spineColumns: keys,
      features: [{ feature, output: name }],
      ttl: null,
      dataDelay: durationOf('0s'),
      horizon,
      ...validity,
      ...slicesOf(files),
    },
    record: {
      view: view.name,
      version: view.version,
      fingerprint: view.fingerprint,
      keys: Object.fromEntries(keys.map((key) => [key, key])),
      features: [feature.name],
      ttl: null,
      dataDelay: '0s',
      horizon: horizonText(horizon),
      ...validity,
      ...sliceRecords(files),
    },
  };
}

/**
 * The latest event time that all rows are committed for. An aggregated row has the end of its interval as its event
 * time; one that keeps its own may be of the very watermark and belong to the interval that begins there.
 */
function completeThrough({ view }: ViewLabel, watermark: Micros): Micros {
  return view.transformation.kind === 'aggregations' ? watermark : micros(watermark - 1n);
}

/** As for features: a row's event time lies in its interval, both ends included. */
function rangeOf(
  { view, horizon }: ViewLabel,
  { first, last }: { readonly first: Micros; readonly last: Micros },
): Interval | null {
  const start = micros(latest(first, timeOf(view.startTime)) - 1n);
  const end = micros(addDuration(last, horizon) + 1n);
  return start < end ? { start, end } : null;
}
