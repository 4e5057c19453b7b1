import type { KnownAt } from '../core/as-of.ts';
import type { JoinKey } from '../core/entity.ts';
import { TidemarkError } from '../core/errors.ts';
import { type BatchViewSpec, formatViewVersion } from '../core/feature-view.ts';
import type { ResolvedFeatures } from '../core/resolve-features.ts';
import {
  durationOf,
  earliest,
  formatTime,
  latest,
  type Micros,
  micros,
  parseTime,
  timeOf,
} from '../core/time.ts';
import type { Spine, SpineDescription } from '../offline/as-of-engine.ts';
import { type KnownFilesDeps, knownFiles } from './known-files.ts';
import { slicesOf } from './read-views.ts';

type RangeSpine = Spine & { readonly kind: 'range' };

/**
 * A training set without entity rows: those of the views that are read, in a range of event times. The idea is
 * Feast's `get_historical_features(entity_df=None, start_date, end_date)`; there a row's time is its event time,
 * here it is the moment serving first saw it, so that no row is given what serving did not have then. Views without
 * keys are joined to the rows of the others; where there are no others, their own times are the rows.
 *
 * REQUEST_INVALID when times are none, when views have different join keys, and when functions need request data,
 * which nobody gives.
 */
export async function rangeSpineOf(
  spine: RangeSpine,
  resolved: ResolvedFeatures,
  { project, knownAt, ...deps }: KnownFilesDeps & { readonly project: string; readonly knownAt: KnownAt },
): Promise<RangeSpine> {
  const from = timeIn(spine, spine.from);
  const to = timeIn(spine, spine.to);
  if (from >= to) throw refused(spine, 'the first time must be before the second');
  const joinKeys = sharedKeys(spine, resolved);
  refuseRequestData(spine, resolved, joinKeys);
  // A row's event time lies in its interval, both ends included.
  const range = { start: micros(from - 1n), end: micros(to + 1n) };
  const views = await Promise.all(
    rowViewsOf(resolved).map(async (view) => ({
      dataDelay: durationOf(view.dataDelay),
      ...slicesOf(
        await knownFiles({ project, view: view.name, version: view.version }, { range, knownAt }, deps),
      ),
    })),
  );
  return {
    ...spine,
    from: formatTime(from),
    to: formatTime(to),
    rows: { joinKeys, knownAt, views },
  };
}

/**
 * The description with the span of all entity rows that there could be, so that the manifest records every file
 * that was looked at, and new rows anywhere in the range show as changes.
 */
export function withWholeRange(
  spine: RangeSpine,
  description: SpineDescription,
  resolved: ResolvedFeatures,
): SpineDescription {
  const from = timeOf(spine.from);
  const { span } = description;
  if (span === null) {
    const views = rowViewsOf(resolved).map((view) => `"${formatViewVersion(versionOf(view))}"`);
    throw refused(
      spine,
      `no row of ${views.join(', ')} that is committed${spine.rows?.knownAt.kind === 'cutoff' ? ' and known by the cut-off' : ''} ` +
        'has its event time there; tidemark status shows what is materialized',
    );
  }
  const last = rowViewsOf(resolved).reduce<Micros>(
    (furthest, { dataDelay }) => latest(furthest, micros(timeOf(spine.to) - 1n + durationOf(dataDelay))),
    span.last,
  );
  return { ...description, span: { first: earliest(from, span.first), last } };
}

function sharedKeys(spine: RangeSpine, resolved: ResolvedFeatures): readonly JoinKey[] {
  const views = rowViewsOf(resolved);
  const [first] = views;
  const textOf = ({ joinKeys }: BatchViewSpec) =>
    joinKeys
      .map(({ name, type }) => `${name}: ${type}`)
      .toSorted()
      .join(', ');
  if (views.some((view) => first !== undefined && textOf(view) !== textOf(first))) {
    const told = views.map((view) => `"${formatViewVersion(versionOf(view))}" has (${textOf(view)})`);
    throw refused(
      spine,
      `the views must have the same join keys, and ${told.join(', ')}; give entity rows with --spine or --query, or select views of one entity`,
    );
  }
  const keys = first?.joinKeys ?? [];
  if (keys.some(({ name }) => name.toLowerCase() === spine.timestampField.toLowerCase())) {
    throw refused(
      spine,
      `"${spine.timestampField}" is a join key; name the column of times otherwise, with --timestamp`,
    );
  }
  return keys;
}

function refuseRequestData(
  spine: RangeSpine,
  { requestFields, onDemand }: ResolvedFeatures,
  joinKeys: readonly JoinKey[],
): void {
  const there = [spine.timestampField, ...joinKeys.map(({ name }) => name)];
  const lacking = requestFields.filter(({ name }) => !there.includes(name)).map(({ name }) => name);
  if (lacking.length === 0) return;
  const views = onDemand
    .filter(({ inputs }) =>
      inputs.some(
        (input) => input.kind === 'request' && input.fields.some(({ name }) => lacking.includes(name)),
      ),
    )
    .map(({ view }) => `"${formatViewVersion(versionOf(view))}"`);
  throw refused(
    spine,
    `on-demand ${views.join(', ')} needs request data (${lacking.map((name) => `"${name}"`).join(', ')}), which only entity rows have; give them with --spine or --query`,
  );
}

/** Each view whose rows are entity rows, once; those that only functions read are among them. */
function rowViewsOf({ parts }: ResolvedFeatures): readonly BatchViewSpec[] {
  const views = [...new Set(parts.map(({ view }) => view))];
  const keyed = views.filter(({ joinKeys }) => joinKeys.length > 0);
  return keyed.length === 0 ? views : keyed;
}

function versionOf({ name, version }: { readonly name: string; readonly version: number }) {
  return { view: name, version };
}

function timeIn(spine: RangeSpine, text: string): Micros {
  const time = parseTime(text);
  if (time === undefined) throw refused(spine, `"${text}" is no ISO 8601 time such as 2026-03-01`);
  return time;
}

function refused({ from, to }: RangeSpine, reason: string): TidemarkError {
  return new TidemarkError(
    'REQUEST_INVALID',
    `Cannot take the entity rows from ${from} to ${to}: ${reason}.`,
  );
}
