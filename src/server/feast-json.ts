import { TidemarkError } from '../core/errors.ts';
import type { FeatureStatus } from '../core/rows.ts';
import type { Micros } from '../core/time.ts';
import type { ValueType } from '../core/value-type.ts';
import { type TimestampStyle, type ValueWriter, valueWriter } from '../serving/json-encoder.ts';
import { JsonWriter } from '../serving/json-writer.ts';
import type { FeatureColumn, OnlineFeatures } from '../serving/read-features.ts';
import type { EchoedColumn } from '../serving/request-columns.ts';

/**
 * Feast's answer of `get-online-features`: `metadata.feature_names` with the join keys first, and one result of
 * `values`, `statuses` and `event_timestamps` for each of them in that order. Written as bytes, column by column:
 * int64 keeps its digits, and nothing is built only to be serialised.
 */
export interface FeastJsonOptions {
  /** Adds `metadata.feature_types`, and gives timestamps as ISO with microseconds in place of whole seconds. */
  readonly typed: boolean;
  /** Adds `metadata.feature_view_metadata`: the version of each view. */
  readonly viewVersions: boolean;
  /** Default 256 MiB; an answer that would be larger is TOO_LARGE. */
  readonly maxBytes?: number;
}

/** Large values are written once for each row that asks for them: a small body can ask for all memory there is. */
const MAX_BYTES = 256 * 1024 * 1024;

/** What Feast gives for "no event time". */
const NO_TIME = '"1970-01-01T00:00:00Z"';

/** Filled and copied from without a pause in between, so that all requests can share it. */
const writer = new JsonWriter();
const writers: Readonly<Record<TimestampStyle, Map<ValueType, ValueWriter>>> = {
  feast: new Map(),
  iso: new Map(),
};

/** The answer in UTF-8. */
export function feastJson({ keys, features }: OnlineFeatures, options: FeastJsonOptions): Buffer {
  const columns: readonly (EchoedColumn | FeatureColumn)[] = [...keys, ...features];
  const metadata = {
    feature_names: columns.map(({ name }) => name),
    ...(options.typed && { feature_types: columns.map(({ type }) => type) }),
    ...(options.viewVersions && { feature_view_metadata: viewVersions(features) }),
  };
  const { maxBytes = MAX_BYTES } = options;
  const style = options.typed ? 'iso' : 'feast';
  // Where the times of a view's rows stand already: its columns share them.
  const written = new Map<readonly (Micros | null)[], readonly [number, number]>();
  writer.length = 0;
  writer.text(`{"metadata":${JSON.stringify(metadata)},"results":[`);
  for (const [index, column] of columns.entries()) {
    writer.ascii(index === 0 ? '{"values":[' : ',{"values":[');
    writeValues(column, style, maxBytes);
    writer.ascii('],"statuses":[');
    writeStatuses(column);
    writer.ascii('],"event_timestamps":[');
    if (!('eventTimes' in column)) writer.repeated(NO_TIME, column.values.length);
    else writeTimes(column.eventTimes, written);
    writer.ascii(']}');
  }
  writer.ascii(']}');
  return writer.finish();
}

function writeValues(
  { type, values }: EchoedColumn | FeatureColumn,
  style: TimestampStyle,
  maxBytes: number,
): void {
  const write = writers[style].get(type) ?? valueWriter(type, style);
  writers[style].set(type, write);
  for (let row = 0; row < values.length; row++) {
    if (row > 0) writer.ascii(',');
    write(writer, values[row] ?? null);
    if (writer.length > maxBytes) refuseAnswer(maxBytes);
  }
}

function refuseAnswer(maxBytes: number): never {
  writer.length = 0;
  // What it has grown to is given back.
  writer.finish();
  throw new TidemarkError(
    'TOO_LARGE',
    `Cannot answer in one piece: the values take more than ${maxBytes.toLocaleString('en-US')} bytes. Ask for fewer entities or features in a request.`,
  );
}

function writeStatuses(column: EchoedColumn | FeatureColumn): void {
  const statuses: readonly FeatureStatus[] =
    'statuses' in column ? column.statuses : column.values.map(statusOfKey);
  // Most are equal to the one before.
  for (let row = 0; row < statuses.length; ) {
    const start = row;
    const status = statuses[start];
    while (row < statuses.length && statuses[row] === status) row += 1;
    if (start > 0) writer.ascii(',');
    writer.repeated(`"${status}"`, row - start);
  }
}

function statusOfKey(value: unknown): FeatureStatus {
  return value === null ? 'NULL_VALUE' : 'PRESENT';
}

function writeTimes(
  times: readonly (Micros | null)[],
  written: Map<readonly (Micros | null)[], readonly [number, number]>,
): void {
  const [start, end] = written.get(times) ?? [];
  if (start !== undefined && end !== undefined) {
    writer.again(start, end);
    return;
  }
  const from = writer.length;
  for (let row = 0; row < times.length; row++) {
    const time = times[row] ?? null;
    if (row > 0) writer.ascii(',');
    if (time === null) writer.ascii(NO_TIME);
    else writer.time(time);
  }
  written.set(times, [from, writer.length]);
}

function viewVersions(features: readonly FeatureColumn[]) {
  const versions = new Map(
    features.map(({ view, version }) => [`${view}@v${version}`, { name: view, version }]),
  );
  return [...versions.values()];
}
