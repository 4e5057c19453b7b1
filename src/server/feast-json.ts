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

/** An answer that is larger is made in parts: one of half a thousand entities is not, and a part takes milliseconds. */
const PART_BYTES = 1024 * 1024;

/** Large values are written once for each row that asks for them: a small body can ask for all memory there is. */
const MAX_BYTES = 256 * 1024 * 1024;

/** What Feast gives for "no event time". */
const NO_TIME = '"1970-01-01T00:00:00Z"';

/** Filled and copied from without a pause in between (what is yielded is a copy), so that all requests can share it. */
const writer = new JsonWriter();
const writers: Readonly<Record<TimestampStyle, Map<ValueType, ValueWriter>>> = {
  feast: new Map(),
  iso: new Map(),
};

/** The answer in UTF-8: what is returned is the end of it, and most have no other part. */
export function* feastJson(
  { keys, features }: OnlineFeatures,
  options: FeastJsonOptions,
): Generator<Buffer, Buffer, undefined> {
  const columns: readonly (EchoedColumn | FeatureColumn)[] = [...keys, ...features];
  const metadata = {
    feature_names: columns.map(({ name }) => name),
    ...(options.typed && { feature_types: columns.map(({ type }) => type) }),
    ...(options.viewVersions && { feature_view_metadata: viewVersions(features) }),
  };
  const style = options.typed ? 'iso' : 'feast';
  let left = options.maxBytes ?? MAX_BYTES;
  // Where the times of a view's rows stand already: its columns share them.
  const written = new Map<readonly (Micros | null)[], readonly [number, number]>();
  const takePart = () => {
    left -= writer.length;
    written.clear();
    return writer.finish();
  };
  writer.length = 0;
  writer.text(`{"metadata":${JSON.stringify(metadata)},"results":[`);
  for (const [index, column] of columns.entries()) {
    writer.ascii(index === 0 ? '{"values":[' : ',{"values":[');
    for (let row = 0; row < column.values.length; ) {
      row = writeValues(column, style, row, Math.min(left, PART_BYTES));
      if (writer.length > left) refuseAnswer(options.maxBytes ?? MAX_BYTES);
      if (writer.length <= PART_BYTES) continue;
      yield takePart();
      // Of an answer that failed meanwhile something may be left.
      writer.length = 0;
    }
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

/** From one row on until the writer holds more than so many bytes; returns the next row. */
function writeValues(
  { type, values }: EchoedColumn | FeatureColumn,
  style: TimestampStyle,
  from: number,
  untilBytes: number,
): number {
  const write = writers[style].get(type) ?? valueWriter(type, style);
  writers[style].set(type, write);
  let row = from;
  while (row < values.length) {
    if (row > 0) writer.ascii(',');
    write(writer, values[row] ?? null);
    row += 1;
    if (writer.length > untilBytes) break;
  }
  return row;
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
