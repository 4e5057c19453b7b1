import { resolve } from 'node:path';
import type { DuckDBConnection } from '@duckdb/node-api';
import { TidemarkError } from '../../../core/errors.ts';
import type { Column, FileSourceSpec } from '../../../core/source.ts';
import { isLasting } from '../duckdb-failure.ts';
import { fileList, identifier, identifiers, literalPath, stringLiteral } from '../sql-text.ts';
import { duckDbType } from '../types.ts';
import {
  isDateFolder,
  type OpenRange,
  type PartitionedFile,
  partitionedFile,
  partitionKeys,
  touches,
} from './hive-partitions.ts';
import { describeSelect, type EngineColumn, sourcePath } from './source-scan.ts';
import { isTextTime } from './text-times.ts';
import { type CsvFiles, repeatedNames, typedCsvSql } from './typed-csv.ts';
import { wholeNumbersSql } from './whole-numbers.ts';

/** A source's files as something to select from, and what is known of them. */
export interface FileScan {
  /** A table function, or a query in parentheses. */
  readonly relation: string;
  readonly columns: readonly EngineColumn[];
  /** As table functions take them: the files that hold the range's rows, or the path or glob. */
  readonly files: string | null;
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
    return scanSql(connection, source, { files, only, sample, hive }, [...keys, ...above]);
  };
  const scan = kept === undefined ? await open(found) : await firstReadable(choicesOf(kept), open);
  const relation = withoutColumns(above, scan.sql);
  return {
    relation: kept === undefined ? relation : `(SELECT * FROM ${relation} WHERE ${kept.filter})`,
    columns: scan.columns.filter(({ name }) => !above.includes(name)),
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

async function scanSql(
  connection: DuckDBConnection,
  source: FileSourceSpec,
  { files, only, sample, hive }: CsvFiles & { readonly files: string; readonly hive: string },
  keys: readonly string[],
): Promise<{ readonly sql: string; readonly columns: readonly EngineColumn[] }> {
  const described = (sql: string) => describeSelect(connection, `SELECT * FROM ${sql}`);
  // Folders' values have types of their own.
  const declared = source.columns.filter(({ name }) => !keys.includes(name));
  switch (source.kind) {
    case 'parquet': {
      const sql = `read_parquet(${files}, union_by_name = true${hive})`;
      return { sql, columns: await described(sql) };
    }
    case 'csv': {
      const sql = (types: readonly EngineColumn[], more = '') =>
        `read_csv(${files}, union_by_name = true${hive}${more}${types.length === 0 ? '' : `, types = ${typesSql(types)}`})`;
      const types = [...declared.map(textColumn), ...(await endsOfText(connection, source, sql([])))];
      // Looked at once: DuckDB reads the beginning of every file for it.
      const columns = await described(sql(types));
      const own = columns.filter(({ name }) => !keys.includes(name));
      const repeated = await repeatedNames(connection, own, sample);
      if (repeated.length > 0) {
        throw new TidemarkError(
          'SOURCE_SCHEMA_MISMATCH',
          `Cannot read source "${source.name}" at ${source.path}: its header names columns more than once (${repeated.join(', ')}; case does not count). Give each a name of its own.`,
        );
      }
      const scan = await typedCsvSql(connection, own, { only, sample }, (text, more) =>
        sql(replaced(types, text), more),
      );
      return { sql: scan, columns };
    }
    case 'json': {
      const sql = (more: string) =>
        `read_json(${files}, format = 'newline_delimited', union_by_name = true${hive}${more})`;
      const types = await jsonTypes(connection, source, declared, keys, sql);
      const scan = wholeNumbersSql(
        types,
        only,
        (text, more) => sql(`${more}, columns = ${typesSql(replaced(types, text))}`),
        isTextTime,
      );
      return { sql: scan, columns: await described(scan) };
    }
  }
}

/** `types`, those of the same names in `others` as they are there, and the rest of `others`. */
function replaced(types: readonly EngineColumn[], others: readonly EngineColumn[]): readonly EngineColumn[] {
  return [...new Map([...types, ...others].map((column) => [column.name, column])).values()];
}

/** JSON columns are declared all or none: those that are not declared keep what a look at the lines says. */
async function jsonTypes(
  connection: DuckDBConnection,
  source: FileSourceSpec,
  declared: readonly Column[],
  keys: readonly string[],
  sql: (more: string) => string,
): Promise<readonly EngineColumn[]> {
  const sniff = (more: string) => describeSelect(connection, `SELECT * FROM ${sql(more)}`);
  const lacking = (columns: readonly EngineColumn[]) =>
    declared.filter(({ name }) => !columns.some((column) => column.name === name));
  let columns = await sniff('');
  // A column that is rare may not be in the lines looked at first.
  if (lacking(columns).length > 0) columns = await sniff(', sample_size = -1');
  const missing = lacking(columns).map(({ name }) => `"${name}"`);
  if (missing.length > 0) {
    throw new TidemarkError(
      'SOURCE_SCHEMA_MISMATCH',
      `Cannot read source "${source.name}" at ${source.path}: it lacks the declared column${missing.length > 1 ? 's' : ''} ` +
        `${missing.join(', ')}; it has ${columns.map(({ name }) => name).join(', ')}. Correct the source's columns or its files.`,
    );
  }
  return columns
    .filter(({ name }) => !keys.includes(name))
    .map((column) => {
      const promised = declared.find(({ name }) => name === column.name);
      if (promised !== undefined) return textColumn(promised);
      const isTime = column.name === source.timestampField || column.name === source.createdTimestampField;
      const isEnd =
        column.name === source.validTo &&
        (LOOKS_LIKE_TIME.has(column.engineType) || column.engineType === 'JSON');
      return isEnd || (isTime && LOOKS_LIKE_TIME.has(column.engineType))
        ? { ...column, engineType: ZONED }
        : column;
    });
}

/** Where no row has ended, CSV does not tell that its ends are times. */
async function endsOfText(
  connection: DuckDBConnection,
  { validTo, columns }: FileSourceSpec,
  scan: string,
): Promise<readonly EngineColumn[]> {
  if (validTo === undefined || columns.some(({ name }) => name === validTo)) return [];
  const found = await describeSelect(connection, `SELECT * FROM ${scan}`);
  return found
    .filter(({ name, engineType }) => name === validTo && engineType === 'VARCHAR')
    .map(({ name }) => ({ name, engineType: ZONED }));
}

const ZONED = 'TIMESTAMP WITH TIME ZONE';

/** What text that is a time may be taken for; more lines might have told otherwise. */
const LOOKS_LIKE_TIME: ReadonlySet<string> = new Set(['VARCHAR', 'TIMESTAMP', 'DATE']);

/** Read as a naive time, `02:00+02:00` would be 02:00: DuckDB drops the offset of text. The session's zone is UTC. */
function textColumn({ name, type }: Column): EngineColumn {
  return { name, engineType: type === 'timestamp' ? ZONED : duckDbType(type) };
}

function typesSql(columns: readonly EngineColumn[]): string {
  return `{${columns.map(({ name, engineType }) => `${stringLiteral(name)}: ${stringLiteral(engineType)}`).join(', ')}}`;
}

function literalFile({ file }: PartitionedFile): string {
  return literalPath(file);
}
