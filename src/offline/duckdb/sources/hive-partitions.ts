import type { TimePartition } from '../../../core/source.ts';
import type { Micros } from '../../../core/time.ts';

/** `key=value` folders of files, as Hive and Spark lay them out. */
export interface PartitionedFile {
  readonly file: string;
  readonly values: ReadonlyMap<string, string>;
}

/** What a folder is called when its value is null. */
const NULL_PARTITION = '__HIVE_DEFAULT_PARTITION__';

export function partitionedFile(file: string): PartitionedFile {
  const folders = file.split('/').slice(0, -1);
  const values = folders.flatMap((folder): [string, string][] => {
    const at = folder.indexOf('=');
    return at <= 0 ? [] : [[folder.slice(0, at), decoded(folder.slice(at + 1))]];
  });
  return { file, values: new Map(values) };
}

/** The keys that all files have; none when they differ in them. */
export function partitionKeys(files: readonly PartitionedFile[]): readonly string[] {
  const [first, ...others] = files;
  const keys = [...(first?.values.keys() ?? [])];
  const same = others.every(
    ({ values }) => values.size === keys.length && keys.every((key) => values.has(key)),
  );
  return same ? keys : [];
}

export interface OpenRange {
  readonly from?: Micros | undefined;
  readonly to?: Micros | undefined;
}

/** Whether rows of `from ≤ time < to` can lie in a file; true also for a folder that tells no time. */
export function touches(
  { values }: PartitionedFile,
  { column, granularity }: TimePartition,
  range: OpenRange,
) {
  const text = values.get(column);
  if (text === undefined) return true;
  const span = spanOf(text, granularity);
  if (span === undefined) return true;
  return (
    (range.to === undefined || span.start < range.to) && (range.from === undefined || span.end > range.from)
  );
}

/** Whether a folder of the file tells a time of this granularity: without any that does, nothing is pruned. */
export function tellsTime({ values }: PartitionedFile, { column, granularity }: TimePartition): boolean {
  const text = values.get(column);
  return text !== undefined && (text === NULL_PARTITION || spanOf(text, granularity) !== undefined);
}

/** Whether the folder is one of those that DuckDB reads as a DATE. */
export function isDateFolder({ values }: PartitionedFile, column: string): boolean {
  const text = values.get(column);
  return text === undefined || text === NULL_PARTITION || /^\d{4}-\d{2}-\d{2}$/.test(text);
}

function spanOf(text: string, granularity: TimePartition['granularity']) {
  const found = /^(\d{4})-?(\d{2})(?:-?(\d{2})(?:[T _-]?(\d{2})(?::?00)*)?)?$/.exec(text);
  if (found === null) return undefined;
  const [year = 0, month = 0, day = Number.NaN, hour = Number.NaN] = found
    .slice(1)
    .map((part) => (part === undefined ? Number.NaN : Number(part)));
  const at = (...[y, m, d, h]: readonly [number, number, number, number]) =>
    BigInt(Date.UTC(y, m - 1, d, h)) * 1000n;
  const isDay = !Number.isNaN(day);
  switch (granularity) {
    case 'month':
      return isDay ? undefined : { start: at(year, month, 1, 0), end: at(year, month + 1, 1, 0) };
    case 'day':
      return isDay ? { start: at(year, month, day, 0), end: at(year, month, day + 1, 0) } : undefined;
    case 'hour':
      return isDay && !Number.isNaN(hour)
        ? { start: at(year, month, day, hour), end: at(year, month, day, hour + 1) }
        : undefined;
  }
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
