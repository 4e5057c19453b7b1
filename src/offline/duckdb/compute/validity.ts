import type { DuckDBConnection } from '@duckdb/node-api';
import { TidemarkError } from '../../../core/errors.ts';
import { type BatchViewSpec, formatViewVersion } from '../../../core/feature-view.ts';
import { formatInterval, type Interval } from '../../../core/interval.ts';
import { formatTime, micros } from '../../../core/time.ts';
import { timestampSql } from '../sources/source-scan.ts';

/**
 * Until when a row is true, in µs, of the column that tells it: null, and so is infinity, is without end. Minus infinity
 * is before any beginning.
 */
export function validToSql(column: string): string {
  const end = timestampSql(column);
  return `CASE WHEN ${end} = TIMESTAMP '-infinity' THEN ${-(2n ** 63n) + 1n} ELSE epoch_us(${end}) END`;
}

/**
 * SOURCE_SCHEMA_MISMATCH when a row ends before it begins, or as it does. Such a row is never true, and would still
 * hide the one before it; which of them was meant, only people know. So the interval fails, the last good data stays,
 * and no approval lets it through. `rows` is a query with `__k<i>`, `__t` (begin) and `__u` (end, null: none).
 */
export async function refuseNeverTrue(
  connection: DuckDBConnection,
  view: BatchViewSpec,
  rows: string,
  range: Interval,
): Promise<void> {
  const keys = view.joinKeys.map((_, index) => `__k${index} IS NOT NULL`);
  const [row] = (
    await connection.runAndReadAll(
      `SELECT count(*), min(__t) FROM ${rows} WHERE ${[...keys, '__u <= __t'].join(' AND ')}`,
    )
  ).getRows();
  const count = Number(row?.[0] ?? 0);
  if (count === 0) return;
  const what = formatViewVersion({ view: view.name, version: view.version });
  const first = formatTime(micros(BigInt(String(row?.[1]))));
  throw new TidemarkError(
    'SOURCE_SCHEMA_MISMATCH',
    `Cannot compute view "${what}" for ${formatInterval(range)}: ${count === 1 ? 'a row of its source is' : `${count} rows of its source are`} ` +
      `never true, the first with "${view.timestampField}" ${first}: "${view.validTo}" is not later. Correct the source, or leave such rows out of it.`,
  );
}
