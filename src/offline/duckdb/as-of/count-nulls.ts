import type { DuckDBConnection } from '@duckdb/node-api';
import { TidemarkError } from '../../../core/errors.ts';
import { identifier, literalPath, stringLiteral, writtenParquet } from '../sql-text.ts';

/**
 * By output, how many of so many rows have no value; checks rule 5 on the way: one answer per entity row. The footer
 * counts them, but for values that have parts.
 */
export async function countNulls(
  connection: DuckDBConnection,
  path: string,
  names: readonly string[],
  rows: number,
): Promise<Record<string, number>> {
  const file = stringLiteral(literalPath(path));
  const read = async (sql: string) => (await connection.runAndReadAll(sql)).getRows();
  const [[count] = []] = await read(`SELECT num_rows FROM parquet_file_metadata(${file})`);
  requireRows(Number(count), rows);
  const found = new Map(
    (
      await read(
        `SELECT path_in_schema, sum(stats_null_count) FROM parquet_metadata(${file}) GROUP BY path_in_schema ` +
          'HAVING count(stats_null_count) = count(*)',
      )
    ).map(([name, nulls]) => [String(name), Number(nulls)]),
  );
  const others = names.filter((name) => !found.has(name));
  if (others.length > 0) {
    const counts = others.map((name) => `count(*) - count(${identifier(name)})`);
    const [nulls = []] = await read(`SELECT ${counts.join(', ')} FROM ${writtenParquet([path])}`);
    for (const [at, name] of others.entries()) found.set(name, Number(nulls[at]));
  }
  return Object.fromEntries(names.map((name) => [name, rows === 0 ? 0 : (found.get(name) ?? 0)]));
}

function requireRows(found: number, expected: number): void {
  if (found === expected) return;
  throw new TidemarkError('INTERNAL', `The as-of join gave ${found} rows for ${expected} entity rows.`);
}
