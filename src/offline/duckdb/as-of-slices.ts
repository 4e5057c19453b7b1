import { join } from 'node:path';
import type { DuckDBConnection } from '@duckdb/node-api';
import { TidemarkError } from '../../core/errors.ts';
import { type Micros, parseTime } from '../../core/time.ts';
import type { AsOfView } from '../as-of-engine.ts';
import type { RevisedSlice } from '../feature-reader.ts';
import { INTERVAL_END } from '../offline-columns.ts';
import { reachOf } from './as-of-reach.ts';
import { duckDbReason, failureKind } from './duckdb-failure.ts';
import { fileList, literalPath, stringLiteral } from './sql-text.ts';

/** The slices whose rows some spine row may see. A row's event time lies in its interval, both ends included. */
export function relevantSlices(
  view: Pick<AsOfView, 'slices' | 'ttl' | 'dataDelay' | 'horizon'>,
  { first, last }: { readonly first: Micros; readonly last: Micros },
): readonly RevisedSlice[] {
  const { oldest, newest } = reachOf(view);
  return view.slices.filter(
    ({ range }) =>
      range === undefined ||
      (range.start <= last + newest && (oldest === null || range.end >= first + oldest)),
  );
}

/**
 * The same slices without the ranges that leave nothing of their file out, by the files' statistics: what needs
 * no filter is read as one scan. STORE_CORRUPT when a committed file cannot be read.
 */
export async function withoutNeedlessRanges(
  connection: DuckDBConnection,
  slices: readonly RevisedSlice[],
  offlineRoot: string,
): Promise<readonly RevisedSlice[]> {
  const paths = [...new Set(slices.map(({ path }) => join(offlineRoot, path)))];
  const statistics = new Map<string, { readonly min: Micros; readonly max: Micros }>();
  try {
    const result = await connection.runAndReadAll(
      'SELECT file_name, min(TRY_CAST(stats_min AS TIMESTAMP))::VARCHAR, max(TRY_CAST(stats_max AS TIMESTAMP))::VARCHAR ' +
        `FROM parquet_metadata(${fileList(paths.map(literalPath))}) WHERE path_in_schema = ${stringLiteral(INTERVAL_END)} ` +
        'GROUP BY file_name HAVING count(*) = count(TRY_CAST(stats_min AS TIMESTAMP))',
    );
    for (const [file, least, greatest] of result.getRows()) {
      const min = parseTime(String(least));
      const max = parseTime(String(greatest));
      if (min !== undefined && max !== undefined) statistics.set(String(file), { min, max });
    }
  } catch (error) {
    throw unreadable(error);
  }
  return slices.map((slice) => {
    const held = statistics.get(join(offlineRoot, slice.path));
    const { range, ...whole } = slice;
    const needless =
      range !== undefined && held !== undefined && range.start < held.min && held.max <= range.end;
    return needless ? whole : slice;
  });
}

/** A file that the ledger has committed must be there. */
export function unreadable(error: unknown): unknown {
  if (failureKind(error) !== 'file') return error;
  return new TidemarkError(
    'STORE_CORRUPT',
    `Cannot read a committed file of the offline store: ${duckDbReason(error)}.`,
    { cause: error },
  );
}
