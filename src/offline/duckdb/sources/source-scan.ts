import { isAbsolute, resolve } from 'node:path';
import type { DuckDBConnection } from '@duckdb/node-api';
import { isAccepted } from '../../../core/accepted-types.ts';
import { TidemarkError } from '../../../core/errors.ts';
import type { FileSourceSpec, SourceSpec } from '../../../core/source.ts';
import type { Micros } from '../../../core/time.ts';
import { identifier, literalPath, timestampLiteral } from '../sql-text.ts';
import { isTimeColumn, valueTypeOfDuckDb } from '../types.ts';

export interface EngineColumn {
  readonly name: string;
  /** As DuckDB writes it: `TIMESTAMP WITH TIME ZONE`, `DECIMAL(18,3)`. */
  readonly engineType: string;
}

export function isRemote(path: string): boolean {
  return /^[a-z][a-z0-9+.-]*:\/\//i.test(path);
}

/** The path or glob that DuckDB opens. Only the source's own part is a glob, never the folder it is relative to. */
export function sourcePath(source: FileSourceSpec, baseDir: string): string {
  if (isAbsolute(source.path) || isRemote(source.path)) return source.path;
  return `${literalPath(resolve(baseDir))}/${source.path}`;
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

/** SOURCE_SCHEMA_MISMATCH when a column is not there as it is declared: what was true at `plan` need not be later. */
export function requireDeclared(
  columns: readonly EngineColumn[],
  { name, columns: declared }: SourceSpec,
): void {
  for (const { name: column, type } of declared) {
    const { engineType } = requireColumn(columns, column, { of: `source "${name}"` });
    if (isAccepted(valueTypeOfDuckDb(engineType), type)) continue;
    throw new TidemarkError(
      'SOURCE_SCHEMA_MISMATCH',
      `Cannot use source "${name}": its column "${column}" is ${engineType}, and declared as ${type}.`,
    );
  }
}
