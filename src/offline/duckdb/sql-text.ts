import { formatTime, type Micros } from '../../core/time.ts';

/** Pieces of SQL text in DuckDB's dialect. Everything that enters a query passes through here or is a parameter. */
export function identifier(name: string): string {
  return `"${name.replaceAll('"', '""')}"`;
}

export function identifiers(names: readonly string[]): string {
  return names.map(identifier).join(', ');
}

export function stringLiteral(text: string): string {
  return `'${text.replaceAll("'", "''")}'`;
}

/** Conditions that must all hold; `true` of none, as where a view has no keys. */
export function allOf(conditions: readonly string[]): string {
  return conditions.length === 0 ? 'true' : conditions.join(' AND ');
}

/** The start of a window's OVER; nothing where all rows are one partition, as where a view has no keys. */
export function partitionBy(columns: readonly string[]): string {
  return columns.length === 0 ? '' : `PARTITION BY ${columns.join(', ')} `;
}

/** A TIMESTAMP (UTC, microseconds) in the four-digit years; others as an offset from the epoch. */
export function timestampLiteral(time: Micros): string {
  const text = formatTime(time);
  return /^\d{4}-/.test(text)
    ? `TIMESTAMP '${text.replace('T', ' ').replace('Z', '')}'`
    : `make_timestamp(${time})`;
}

/** `'a.parquet'` or `['a.parquet', 'b.parquet']`, as the table functions take their files. */
export function fileList(paths: readonly string[]): string {
  const [only] = paths;
  if (paths.length === 1 && only !== undefined) return stringLiteral(only);
  return `[${paths.map(stringLiteral).join(', ')}]`;
}

/** The rows of Parquet files that Tidemark wrote: a folder above them called `key=value` gives them no column. */
export function writtenParquet(paths: readonly string[]): string {
  return `read_parquet(${fileList(paths.map(literalPath))}, hive_partitioning = false)`;
}

/** A path that is to be taken letter by letter where DuckDB would read a glob. */
export function literalPath(path: string): string {
  return path.replaceAll(/[*?[]/g, (sign) => `[${sign}]`);
}
