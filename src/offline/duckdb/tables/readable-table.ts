import type { DuckDBConnection } from '@duckdb/node-api';
import type { TableFiles } from '../../table-profiler.ts';
import { fileList, literalPath, writtenParquet } from '../sql-text.ts';

/** In the connection that reads it, and gone with it. */
const LOADED = '__table';

/**
 * A table, in the order of its rows, as what stands after FROM. CSV is read here, once, into a temporary table: it is
 * read whole for each column that is asked for. All of its lines tell what its columns are, in all of its files alike,
 * as the first ones of text may be numbers.
 */
export async function readableTable(
  connection: DuckDBConnection,
  { format, paths }: TableFiles,
): Promise<string> {
  if (format === 'parquet') return writtenParquet(paths);
  // As it was written: what has no value is a null, and "" is an empty text.
  const rows =
    `read_csv(${fileList(paths.map(literalPath))}, header = true, delim = ',', quote = '"', escape = '"', ` +
    'sample_size = -1, union_by_name = true, allow_quoted_nulls = false, hive_partitioning = false)';
  await connection.run(`CREATE OR REPLACE TEMP TABLE ${LOADED} AS SELECT * FROM ${rows}`);
  return LOADED;
}
