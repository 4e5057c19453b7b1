import type { DuckDBConnection } from '@duckdb/node-api';
import type { FileFormat } from '../../../core/source.ts';
import { stringLiteral } from '../sql-text.ts';
import type { EngineColumn } from './source-scan.ts';

/**
 * What is wrong with the names of a spine's columns, as they stand where the columns are; null when nothing is. DuckDB
 * finds names without regard to case, and gives new ones to a second `A` (`A_1`) and to a column without a name (`C2`),
 * which might as well be the names of other columns.
 */
export function namesProblem(names: readonly string[]): string | null {
  const at = names.indexOf('');
  const nameless = `its column ${at + 1} has no name${at === 0 ? ' (pandas writes its index so, unless told index=False)' : ''}`;
  return repeatedNames(names) ?? (at === -1 ? null : nameless);
}

/** The same of a source's, of which those without a name are nobody's. */
export function repeatedNames(names: readonly string[]): string | null {
  const count = new Map<string, number>();
  for (const name of names) count.set(name.toLowerCase(), (count.get(name.toLowerCase()) ?? 0) + 1);
  const repeated = names.filter((name) => name !== '' && (count.get(name.toLowerCase()) ?? 0) > 1);
  return repeated.length === 0
    ? null
    : `it names columns more than once (${repeated.join(', ')}; case does not count)`;
}

/** Whether columns, as DuckDB calls them, may be called otherwise where they are: only then it is worth a look. */
export function mayBeRenamed(columns: readonly EngineColumn[]): boolean {
  const lower = new Set(columns.map(({ name }) => name.toLowerCase()));
  const isRenamed = (name: string, at: number) =>
    (/_\d+$/.test(name) && (name.startsWith('_') || lower.has(name.toLowerCase().replace(/_\d+$/, '')))) ||
    name === `C${at}` ||
    name === `column${at}`;
  return columns.some(({ name }, at) => isRenamed(name, at));
}

/** The names of columns that stand in a file; none where it has no header. Of JSON lines those of the first `lines`. */
export async function namesInFile(
  connection: DuckDBConnection,
  kind: FileFormat,
  { file, lines }: { readonly file: string; readonly lines: number | null },
): Promise<readonly string[]> {
  const path = stringLiteral(file);
  const rowsOf = async (sql: string) => (await connection.runAndReadAll(sql)).getRows();
  switch (kind) {
    case 'parquet':
      return outermost(await rowsOf(`SELECT name, num_children FROM parquet_schema(${path})`));
    case 'csv': {
      const [sniffed = []] = await rowsOf(
        `SELECT Delimiter, Quote, SkipRows, HasHeader FROM sniff_csv(${path})`,
      );
      const [delimiter, quote, skipped, hasHeader] = sniffed;
      if (hasHeader !== true) return [];
      const options = [`delim = ${stringLiteral(String(delimiter))}`, `skip = ${Number(skipped)}`];
      if (String(quote).length === 1) options.push(`quote = ${stringLiteral(String(quote))}`);
      const [header = []] = await rowsOf(
        `SELECT * FROM read_csv(${path}, header = false, all_varchar = true, ${options.join(', ')}) LIMIT 1`,
      );
      return header.map((name) => String(name ?? ''));
    }
    case 'json': {
      const limit = lines === null ? '' : ` LIMIT ${lines}`;
      const keys = `SELECT unnest(json_keys(json)) AS key FROM (SELECT json FROM read_ndjson_objects(${path})${limit})`;
      const found = await rowsOf(
        `SELECT key FROM (SELECT key, row_number() OVER () AS n FROM (${keys})) GROUP BY key ORDER BY min(n)`,
      );
      return found.map(([key]) => String(key));
    }
  }
}

/** A schema's columns without what they consist of: each element is followed by as many as it says, and theirs. */
function outermost(elements: readonly (readonly unknown[])[]): readonly string[] {
  const names: string[] = [];
  const open: number[] = [];
  for (const [name, children] of elements.slice(1)) {
    if (open.length === 0) names.push(String(name));
    if (Number(children ?? 0) > 0) {
      open.push(Number(children));
      continue;
    }
    for (let last = open.length - 1; last >= 0; last--) {
      open[last] = (open[last] ?? 0) - 1;
      if ((open[last] ?? 0) > 0) break;
      open.pop();
    }
  }
  return names;
}
