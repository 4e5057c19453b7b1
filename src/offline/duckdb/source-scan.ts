import { isAbsolute, resolve } from 'node:path';
import type { DuckDBConnection } from '@duckdb/node-api';
import { TidemarkError } from '../../core/errors.ts';
import type { SourceSpec } from '../../core/source.ts';
import type { Micros } from '../../core/time.ts';
import { duckDbReason, failureKind } from './duckdb-failure.ts';
import { identifier, literalPath, stringLiteral, timestampLiteral } from './sql-text.ts';
import { duckDbType, isTimeColumn } from './types.ts';

export interface EngineColumn {
  readonly name: string;
  /** As DuckDB writes it: `TIMESTAMP WITH TIME ZONE`, `DECIMAL(18,3)`. */
  readonly engineType: string;
}

/** The path or glob that DuckDB opens. Only the source's own part is a glob, never the folder it is relative to. */
export function sourcePath(source: SourceSpec, baseDir: string): string {
  if (isAbsolute(source.path) || /^[a-z][a-z0-9+.-]*:\/\//i.test(source.path)) return source.path;
  return `${literalPath(resolve(baseDir))}/${source.path}`;
}

/** A table function over the source's files. Files may differ in their columns: a missing one is null. */
export function scanSql(source: SourceSpec, baseDir: string): string {
  const path = stringLiteral(sourcePath(source, baseDir));
  if (source.kind === 'parquet') return `read_parquet(${path}, union_by_name = true)`;
  const types = source.columns.map(
    ({ name, type }) => `${stringLiteral(name)}: ${stringLiteral(duckDbType(type))}`,
  );
  return `read_csv(${path}, union_by_name = true${types.length === 0 ? '' : `, types = {${types.join(', ')}}`})`;
}

export async function describeSelect(
  connection: DuckDBConnection,
  select: string,
): Promise<readonly EngineColumn[]> {
  const result = await connection.runAndReadAll(`DESCRIBE ${select}`);
  return result.getRows().map(([name, engineType]) => ({
    name: String(name),
    engineType: String(engineType),
  }));
}

/** SOURCE_UNREADABLE says which source, where, why, and what to do. */
export async function describeScan(
  connection: DuckDBConnection,
  source: SourceSpec,
  baseDir: string,
): Promise<readonly EngineColumn[]> {
  try {
    return await describeSelect(connection, `SELECT * FROM ${scanSql(source, baseDir)}`);
  } catch (error) {
    const readable = sourceFailure(error, source, baseDir);
    if (readable !== undefined) throw readable;
    throw error;
  }
}

/** The error of a source that could not be read; undefined when the failure is not the source's. */
export function sourceFailure(
  error: unknown,
  source: SourceSpec,
  baseDir: string,
): TidemarkError | undefined {
  const kind = failureKind(error);
  if (kind === 'interrupted' || kind === 'memory' || error instanceof TidemarkError) return undefined;
  const reason = duckDbReason(error);
  if (/COLUMN_TYPES|types.*not exist|do not exist in the CSV/i.test(reason)) {
    return new TidemarkError(
      'SOURCE_SCHEMA_MISMATCH',
      `Cannot read source "${source.name}" at ${sourcePath(source, baseDir)}: it lacks a declared column (${reason}). ` +
        `Correct the source's columns or its files.`,
      { cause: error },
    );
  }
  const advice = /No files found/.test(reason)
    ? `put files there, or correct the source's path (relative paths start at ${resolve(baseDir)})`
    : `check that the files are ${source.kind === 'parquet' ? 'Parquet' : 'CSV'} and can be read by this user`;
  return new TidemarkError(
    'SOURCE_UNREADABLE',
    `Cannot read source "${source.name}" at ${sourcePath(source, baseDir)}: ${reason}; ${advice}.`,
    { cause: error },
  );
}

/** A time column as TIMESTAMP: UTC, microseconds. A zoned one is normalised, a naive one is UTC already. */
export function timestampSql(name: string): string {
  return `CAST(${identifier(name)} AS TIMESTAMP)`;
}

/**
 * `from ≤ column < to`, such that files can be skipped by their statistics: a cast of the column would hide it
 * from them, so a zoned column is compared with zoned literals beside the exact comparison.
 */
export function timeRangeSql(
  column: EngineColumn,
  { from, to }: { readonly from?: Micros | undefined; readonly to?: Micros | undefined },
): string {
  const exact = timestampSql(column.name);
  const zoned = column.engineType === 'TIMESTAMP WITH TIME ZONE';
  const bounds: string[] = [`${identifier(column.name)} IS NOT NULL`];
  const bound = (sign: '>=' | '<', time: Micros | undefined) => {
    if (time === undefined) return;
    bounds.push(`${exact} ${sign} ${timestampLiteral(time)}`);
    if (zoned)
      bounds.push(`${identifier(column.name)} ${sign} CAST(${timestampLiteral(time)} AS TIMESTAMPTZ)`);
  };
  bound('>=', from);
  bound('<', to);
  return bounds.join(' AND ');
}

/** SOURCE_SCHEMA_MISMATCH when a field is not there or, for a time field, is not a time. */
export function requireColumn(
  columns: readonly EngineColumn[],
  name: string,
  { of, time = false }: { readonly of: string; readonly time?: boolean },
): EngineColumn {
  const column =
    columns.find((candidate) => candidate.name === name) ??
    columns.find((candidate) => candidate.name.toLowerCase() === name.toLowerCase());
  if (column === undefined) {
    throw new TidemarkError(
      'SOURCE_SCHEMA_MISMATCH',
      `Cannot use ${of}: it has no column "${name}"; it has ${columns.map(({ name }) => name).join(', ')}.`,
    );
  }
  if (time && !isTimeColumn(column.engineType)) {
    throw new TidemarkError(
      'SOURCE_SCHEMA_MISMATCH',
      `Cannot use ${of}: its timestamp field "${name}" is ${column.engineType}, and must be a TIMESTAMP or DATE.`,
    );
  }
  return column;
}
