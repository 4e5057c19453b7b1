import { resolve } from 'node:path';
import type { DuckDBConnection } from '@duckdb/node-api';
import type { FileSourceSpec } from '../../../core/source.ts';
import { isLasting } from '../duckdb-failure.ts';
import { fileList, identifier, identifiers, literalPath, stringLiteral } from '../sql-text.ts';
import { duckDbType } from '../types.ts';
import { formatScan } from './format-scan.ts';
import {
  isDateFolder,
  type OpenRange,
  type PartitionedFile,
  partitionedFile,
  partitionKeys,
  tellsTime,
  touches,
} from './hive-partitions.ts';
import { type EngineColumn, sourcePath } from './source-scan.ts';
import { withWideDecimals } from './wide-decimals.ts';

/** A source's files as something to select from, and what is known of them. */
export interface FileScan {
  /** A table function, or a query in parentheses. */
  readonly relation: string;
  readonly columns: readonly EngineColumn[];
  /** As table functions take them: the files that hold the range's rows, or the path or glob. */
  readonly files: string | null;
  /** One of the files, where none lies in a folder that tells a time as `partitionedBy` says. */
  readonly untimed?: string;
}

/**
 * Opens the files that can hold rows of `range`. Files may differ in their columns: a missing one is null. Of a
 * source partitioned by time, the first and the last file are opened too, but only for their columns: where that
 * fails it is done without them.
 */
export async function scanFiles(
  connection: DuckDBConnection,
  source: FileSourceSpec,
  baseDir: string,
  range: OpenRange = {},
): Promise<FileScan> {
  const path = sourcePath(source, baseDir);
  const base = path === source.path ? '' : resolve(baseDir);
  const found = await filesOf(connection, path, base);
  const detected = partitionKeys(found);
  const asked = source.hivePartitioning ?? (source.partitionedBy !== undefined || detected.length > 0);
  const keys = asked ? (detected.length > 0 ? detected : [...(found[0]?.values.keys() ?? [])]) : [];
  // DuckDB takes every folder of a path for a column, also those above the source's own part.
  const above = asked ? [...partitionedFile(`${base}/`).values.keys()] : [];
  const kept = pruned(found, source, range);
  const hive = hiveOptions(source, found, keys, asked);
  const open = (opened: readonly PartitionedFile[]) => {
    const files = kept === undefined ? stringLiteral(path) : fileList(opened.map(literalFile));
    const only = opened.length === 1 ? (opened[0]?.file ?? null) : null;
    const sample = opened[0] === undefined ? null : literalFile(opened[0]);
    return formatScan(connection, source, { files, only, sample, hive }, [...keys, ...above]);
  };
  const scan = kept === undefined ? await open(found) : await firstReadable(choicesOf(kept), open);
  const relation = withoutColumns(above, scan.sql);
  const { partitionedBy } = source;
  const isTimed = partitionedBy === undefined || found.some((file) => tellsTime(file, partitionedBy));
  const sample = found[0] === undefined || source.kind !== 'parquet' ? null : literalFile(found[0]);
  // What they are is looked at where the source is, not each time when some of its rows are read.
  const columns =
    sample === null || kept !== undefined || range.from !== undefined
      ? scan.columns
      : await withWideDecimals(connection, scan.columns, sample);
  return {
    ...(!isTimed && found[0] !== undefined && { untimed: found[0].file }),
    relation: kept === undefined ? relation : `(SELECT * FROM ${relation} WHERE ${kept.filter})`,
    columns: columns.filter(({ name }) => !above.includes(name)),
    files:
      kept === undefined
        ? stringLiteral(path)
        : kept.read.length === 0
          ? null
          : fileList(kept.read.map(literalFile)),
  };
}

async function filesOf(
  connection: DuckDBConnection,
  path: string,
  base: string,
): Promise<readonly PartitionedFile[]> {
  const result = await connection.runAndReadAll(
    `SELECT file FROM glob(${stringLiteral(path)}) ORDER BY file`,
  );
  return result.getRows().map(([file]) => {
    const name = String(file);
    // Folders above the source's own part are nobody's columns.
    const own = name.startsWith(`${base}/`) ? name.slice(base.length) : name;
    return { file: name, values: partitionedFile(own).values };
  });
}

function withoutColumns(names: readonly string[], relation: string): string {
  return names.length === 0 ? relation : `(SELECT * EXCLUDE (${identifiers(names)}) FROM ${relation})`;
}

interface Pruned {
  readonly read: readonly PartitionedFile[];
  /** Those of the first and the last file that are opened for their columns only. */
  readonly ends: readonly PartitionedFile[];
  readonly filter: string;
}

/** What is opened, from the most columns to the least: a bad file of another time stands in nobody's way. */
function choicesOf({ read, ends }: Pruned): readonly (readonly PartitionedFile[])[] {
  const sorted = (files: readonly PartitionedFile[]) =>
    files.toSorted((a, b) => (a.file < b.file ? -1 : a.file > b.file ? 1 : 0));
  const one = ends.length < 2 ? [] : ends.toReversed().map((end) => [...read, end]);
  return [[...read, ...ends], ...one, read].filter((files) => files.length > 0).map(sorted);
}

/** Throws the first failure when all fail, and at once what is not the files' fault. */
async function firstReadable<T>(
  choices: readonly (readonly PartitionedFile[])[],
  open: (files: readonly PartitionedFile[]) => Promise<T>,
): Promise<T> {
  let first: unknown;
  for (const files of choices) {
    try {
      return await open(files);
    } catch (error) {
      if (!isLasting(error)) throw error;
      first ??= error;
    }
  }
  throw first;
}

/** Undefined when all files are to be read. */
function pruned(
  found: readonly PartitionedFile[],
  { partitionedBy }: FileSourceSpec,
  range: OpenRange,
): Pruned | undefined {
  const [first] = found;
  const last = found.at(-1);
  if (partitionedBy === undefined || first === undefined || last === undefined) return undefined;
  if (range.from === undefined && range.to === undefined) return undefined;
  const read = found.filter((file) => touches(file, partitionedBy, range));
  if (read.length === found.length) return undefined;
  const wanted = new Set(read.map(({ values }) => values.get(partitionedBy.column) ?? ''));
  const column = identifier(partitionedBy.column);
  // Said as a condition on the folder, so that a file opened for its columns only is not read.
  const values = [...wanted].map(stringLiteral).join(', ');
  return {
    read,
    ends: [...new Set([first, last])].filter((file) => !read.includes(file)),
    filter: read.length === 0 ? 'false' : `${column} IN (${values}) OR ${column} IS NULL`,
  };
}

function hiveOptions(
  source: FileSourceSpec,
  found: readonly PartitionedFile[],
  keys: readonly string[],
  asked: boolean,
): string {
  if (!asked) return ', hive_partitioning = false';
  const types = new Map<string, string>();
  for (const { name, type } of source.columns) if (keys.includes(name)) types.set(name, duckDbType(type));
  const { partitionedBy } = source;
  if (
    partitionedBy !== undefined &&
    keys.includes(partitionedBy.column) &&
    !types.has(partitionedBy.column)
  ) {
    const isDate = found.every((file) => isDateFolder(file, partitionedBy.column));
    types.set(partitionedBy.column, isDate ? 'DATE' : 'VARCHAR');
  }
  const listed = [...types].map(([name, type]) => `${stringLiteral(name)}: ${stringLiteral(type)}`);
  return `, hive_partitioning = true${listed.length === 0 ? '' : `, hive_types = {${listed.join(', ')}}`}`;
}

function literalFile({ file }: PartitionedFile): string {
  return literalPath(file);
}
