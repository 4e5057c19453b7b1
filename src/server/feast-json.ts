import { formatTime, type Micros } from '../core/time.ts';
import type { ValueType } from '../core/value-type.ts';
import { jsonEncoder } from '../serving/json-encoder.ts';
import type { FeatureColumn, OnlineFeatures } from '../serving/read-features.ts';
import type { EchoedColumn } from '../serving/request-columns.ts';

/**
 * Feast's answer of `get-online-features`: `metadata.feature_names` with the join keys first, and one result of
 * `values`, `statuses` and `event_timestamps` for each of them in that order. Written as text, column by column:
 * int64 keeps its digits, and nothing is built only to be serialised.
 */
export interface FeastJsonOptions {
  /** Adds `metadata.feature_types`, and gives timestamps as ISO with microseconds in place of whole seconds. */
  readonly typed: boolean;
  /** Adds `metadata.feature_view_metadata`: the version of each view. */
  readonly viewVersions: boolean;
}

/** What Feast gives for "no event time". */
const NO_TIME = '"1970-01-01T00:00:00Z"';

export function feastJson({ keys, features }: OnlineFeatures, options: FeastJsonOptions): string {
  const columns = [...keys, ...features];
  const metadata = {
    feature_names: columns.map(({ name }) => name),
    ...(options.typed && { feature_types: columns.map(({ type }) => type) }),
    ...(options.viewVersions && { feature_view_metadata: viewVersions(features) }),
  };
  const style = options.typed ? 'iso' : 'feast';
  const encoders = new Map<ValueType, ReturnType<typeof jsonEncoder>>();
  const results = columns.map((column) => {
    const encode = encoders.get(column.type) ?? jsonEncoder(column.type, style);
    encoders.set(column.type, encode);
    const values = column.values.map(encode).join(',');
    return `{"values":[${values}],"statuses":[${statusesOf(column)}],"event_timestamps":[${timesOf(column)}]}`;
  });
  return `{"metadata":${JSON.stringify(metadata)},"results":[${results.join(',')}]}`;
}

function statusesOf(column: EchoedColumn | FeatureColumn): string {
  if ('statuses' in column) return column.statuses.map((status) => `"${status}"`).join(',');
  return column.values.map((value) => (value === null ? '"NULL_VALUE"' : '"PRESENT"')).join(',');
}

function timesOf(column: EchoedColumn | FeatureColumn): string {
  if (!('eventTimes' in column)) return column.values.map(() => NO_TIME).join(',');
  // The rows of a batch mostly share their event time.
  let last: Micros | null = null;
  let text = NO_TIME;
  return column.eventTimes
    .map((time) => {
      if (time !== last) {
        last = time;
        text = time === null ? NO_TIME : `"${formatTime(time)}"`;
      }
      return text;
    })
    .join(',');
}

function viewVersions(features: readonly FeatureColumn[]) {
  const versions = new Map(
    features.map(({ view, version }) => [`${view}@v${version}`, { name: view, version }]),
  );
  return [...versions.values()];
}
