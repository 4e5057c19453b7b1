import type { DuckDBConnection } from '@duckdb/node-api';
import { digestOf } from '../../core/canonical.ts';
import { describeSelect } from './sources/source-scan.ts';
import { identifier } from './sql-text.ts';

/**
 * A digest of the rows of a query that does not depend on their order: column names and types, the number of
 * rows, and sums of two differently salted hashes of each row.
 */
export async function contentDigest(connection: DuckDBConnection, select: string): Promise<string> {
  const columns = await describeSelect(connection, select);
  const row = columns.map(({ name }) => identifier(name)).join(', ');
  const [sums = []] = (
    await connection.runAndReadAll(
      `SELECT count(*), sum(hash(${row})), sum(hash(${row}, 'tidemark')) FROM (${select})`,
    )
  ).getRows();
  return digestOf({
    columns: columns.map(({ name, engineType }) => [name, engineType]),
    sums: sums.map(String),
  });
}
