import type { DuckDBConnection } from '@duckdb/node-api';
import { stringLiteral } from '../sql-text.ts';
import type { EngineColumn } from './source-scan.ts';
import { isTextTime } from './text-times.ts';
import { wholeNumbersSql } from './whole-numbers.ts';

export interface CsvFiles {
  /** The only file that is read; null when there are several. */
  readonly only: string | null;
  /** One of them, as DuckDB takes it, by which times are told that are not written as ISO 8601 does; null: unknown. */
  readonly sample: string | null;
}

/**
 * CSV in its columns' types. A quoted nothing (`""`) is an empty text where a column is text, and a null in all other
 * columns, as nothing without quotes is everywhere. DuckDB knows one rule for all columns of a scan: so where there is
 * text, the others are read as text, too, and made what they are here. So are times always: one with a zone that is
 * none would be a null without a word, and one without would lose its offset. `foreign`: as `foreignTimes` says.
 */
export function typedCsvSql(
  columns: readonly EngineColumn[],
  { only, foreign }: { readonly only: string | null; readonly foreign: ReadonlySet<string> },
  scan: (types: readonly EngineColumn[], more: string) => string,
): string {
  const isTime = (column: EngineColumn) =>
    isZoned(column) || (isTextTime(column) && !foreign.has(column.engineType));
  if (!columns.some(isText)) return wholeNumbersSql(columns, only, scan, isTime);
  return wholeNumbersSql(
    columns,
    only,
    (types, more) => scan(types, `${more}, allow_quoted_nulls = false`),
    (column) => !isText(column) && !foreign.has(column.engineType),
  );
}

function isZoned({ engineType }: EngineColumn): boolean {
  return engineType === 'TIMESTAMP WITH TIME ZONE';
}

function isText({ engineType }: EngineColumn): boolean {
  return engineType === 'VARCHAR' || engineType === 'BLOB';
}

/** Types (DATE, TIMESTAMP) of times that only the scan itself can read, as it has found how they are written: `31/12/2026`. */
export async function foreignTimes(
  connection: DuckDBConnection,
  columns: readonly EngineColumn[],
  sample: string | null,
): Promise<ReadonlySet<string>> {
  const has = (type: string) => columns.some(({ engineType }) => engineType === type);
  if (sample === null || (!has('DATE') && !has('TIMESTAMP'))) return new Set();
  const [row = []] = (
    await connection.runAndReadAll(
      `SELECT DateFormat, TimestampFormat FROM sniff_csv(${stringLiteral(sample)})`,
    )
  ).getRows();
  const isForeign = (format: unknown) => format != null && !String(format).startsWith('%Y-%m-%d');
  const [date, timestamp] = row;
  return new Set([...(isForeign(date) ? ['DATE'] : []), ...(isForeign(timestamp) ? ['TIMESTAMP'] : [])]);
}
