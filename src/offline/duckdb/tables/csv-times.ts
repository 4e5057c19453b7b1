import type { EngineColumn } from '../sources/source-scan.ts';
import { identifier } from '../sql-text.ts';

/** Times in CSV say that they are UTC. */
export const CSV_TIME = '%Y-%m-%dT%H:%M:%S.%fZ';

/** A column as it is written in CSV: DuckDB knows a format for times of microseconds alone, and none in lists. */
export function csvColumnSql({ name, engineType }: EngineColumn): string {
  const column = identifier(name);
  const element = /^(TIMESTAMP.*)\[\d*\]$/.exec(engineType)?.[1];
  if (element !== undefined)
    return `list_transform(${column}, lambda item: ${timeSql('item', element)}) AS ${column}`;
  return engineType === 'TIMESTAMP_NS' ? `${timeSql(column, engineType)} AS ${column}` : column;
}

function timeSql(time: string, engineType: string): string {
  if (engineType !== 'TIMESTAMP_NS') return `strftime(${time}, '${CSV_TIME}')`;
  // DuckDB's format for nanoseconds (%n) writes six digits and some of the others behind the Z.
  const text = `CAST(${time} AS VARCHAR)`;
  const written = `replace(left(${text}, 19), ' ', 'T') || '.' || rpad(substr(${text}, 21), 9, '0') || 'Z'`;
  return `CASE WHEN contains(${text}, ':') THEN ${written} ELSE ${text} END`;
}
