import type { DuckDBConnection } from '@duckdb/node-api';
import { stringLiteral } from '../sql-text.ts';
import type { EngineColumn } from './source-scan.ts';

/**
 * Columns of a Parquet file, with decimals of more than 38 digits told as what they are: DuckDB calls them DOUBLE, and
 * reads wrong numbers where their bytes are no multiple of eight (1.5 of 60 digits as 422212465065984). Tidemark has no
 * type for them. `file` is as DuckDB takes it.
 */
export async function withWideDecimals(
  connection: DuckDBConnection,
  columns: readonly EngineColumn[],
  file: string,
): Promise<readonly EngineColumn[]> {
  if (!columns.some(isDouble)) return columns;
  const found = await connection.runAndReadAll(
    `SELECT name, precision, scale FROM parquet_schema(${stringLiteral(file)}) WHERE precision > 38`,
  );
  const wide = new Map(
    found.getRows().map(([name, precision, scale]) => [name, `DECIMAL(${precision},${scale})`]),
  );
  return columns.map((column) => ({
    ...column,
    engineType: (isDouble(column) ? wide.get(column.name) : undefined) ?? column.engineType,
  }));
}

function isDouble({ engineType }: EngineColumn): boolean {
  return engineType === 'DOUBLE';
}
