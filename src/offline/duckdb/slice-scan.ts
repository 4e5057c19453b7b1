import { join } from 'node:path';
import { TidemarkError } from '../../core/errors.ts';
import type { FileSlice } from '../feature-computer.ts';
import type { RevisedSlice } from '../feature-reader.ts';
import { INTERVAL_END } from '../offline-columns.ts';
import { duckDbReason, failureKind } from './duckdb-failure.ts';
import { fileList, literalPath, stringLiteral, timestampLiteral, writtenParquet } from './sql-text.ts';

type Slices = readonly (FileSlice & Partial<Pick<RevisedSlice, 'revision'>>)[];

/**
 * A query in parentheses of the rows of file slices: all columns of the files, and `__revision` (INTEGER). A
 * file may stand in several slices, which do not overlap.
 */
export function sliceScanSql(slices: Slices, offlineRoot: string): string {
  return scanSql(slices, offlineRoot, () => '');
}

/** The same with `__row` (BIGINT), which is another one for each row, and the same one in every scan of these slices. */
export function numberedScanSql(slices: Slices, offlineRoot: string): string {
  return scanSql(
    slices,
    offlineRoot,
    (firstFile) =>
      `, (${firstFile} + CAST(file_index AS BIGINT)) * ${ROWS_PER_FILE} + file_row_number AS __row`,
  );
}

/** Names that DuckDB gives to what numbers rows: a file's own column of that name hides it. */
export const NUMBERING: readonly string[] = ['file_index', 'file_row_number'];

const ROWS_PER_FILE = 2 ** 32;

function scanSql(slices: Slices, offlineRoot: string, number: (firstFile: number) => string): string {
  const groups = new Map<
    string,
    { readonly paths: string[]; readonly condition: string; revision: number }
  >();
  for (const { path, range, revision = 0 } of slices) {
    const condition =
      range === undefined
        ? 'true'
        : `${INTERVAL_END} > ${timestampLiteral(range.start)} AND ${INTERVAL_END} <= ${timestampLiteral(range.end)}`;
    const group = groups.get(`${revision} ${condition}`) ?? { paths: [], condition, revision };
    group.paths.push(join(offlineRoot, path));
    groups.set(`${revision} ${condition}`, group);
  }
  if (groups.size > 16) return joined(slices, offlineRoot, number(0));
  let files = 0;
  const scans = [...groups.values()].map(({ paths, condition, revision }) => {
    const firstFile = files;
    files += paths.length;
    return `SELECT *, ${revision} AS __revision${number(firstFile)} FROM ${writtenParquet(paths)} WHERE ${condition}`;
  });
  return `(${scans.join(' UNION ALL BY NAME ')})`;
}

/** Many different slices: one scan of all files, joined to a table of what counts of each. */
function joined(slices: Slices, offlineRoot: string, number: string): string {
  const paths = [...new Set(slices.map(({ path }) => join(offlineRoot, path)))];
  const rows = slices.map(({ path, range, revision = 0 }) => {
    const from = range === undefined ? `TIMESTAMP '-infinity'` : timestampLiteral(range.start);
    const to = range === undefined ? `TIMESTAMP 'infinity'` : timestampLiteral(range.end);
    return `(${stringLiteral(join(offlineRoot, path))}, ${from}, ${to}, ${revision})`;
  });
  return (
    `(SELECT rows.* EXCLUDE (__file), slices.__revision${number} FROM read_parquet(${fileList(paths.map(literalPath))}, hive_partitioning = false, filename = '__file') rows ` +
    `JOIN (VALUES ${rows.join(', ')}) slices(__file, __from, __to, __revision) ` +
    `ON rows.__file = slices.__file AND rows.${INTERVAL_END} > slices.__from AND rows.${INTERVAL_END} <= slices.__to)`
  );
}

/** What a failure to read slices means: a committed file that is gone or broken is STORE_CORRUPT. */
export function sliceFailure(error: unknown): unknown {
  if (error instanceof TidemarkError || failureKind(error) !== 'file') return error;
  return new TidemarkError(
    'STORE_CORRUPT',
    `Cannot read the offline store: ${duckDbReason(error)}. Restate the interval of that file.`,
    { cause: error },
  );
}
