import { join } from 'node:path';
import type { DuckDBConnection } from '@duckdb/node-api';
import type { AsOfView } from '../../as-of-engine.ts';
import type { RevisedSlice } from '../../feature-reader.ts';
import { EVENT_TIME, INTERVAL_END } from '../../offline-columns.ts';
import { type FileRecency, readRecency } from '../file-recency.ts';
import { fileList, literalPath, stringLiteral } from '../sql-text.ts';
import { aroundAll, type Bounds } from './bounds.ts';

/** What the statistics in the files' footers say, without reading a row. Null: they do not say it. */
export interface FileFacts {
  /** Of all files, whether their slices take them or not. */
  readonly rows: number;
  /** Of the keys of type int64, by position. */
  readonly keys: readonly (Bounds | null)[];
  /** Of the features of type int32 and int64, by position. */
  readonly features: readonly (Bounds | null)[];
  /** By slice path. */
  readonly intervalEnds: ReadonlyMap<string, Bounds>;
  readonly eventTimes: ReadonlyMap<string, Bounds>;
  readonly recency: ReadonlyMap<string, FileRecency>;
}

/** Columns whose bounds are read as times; they come first. */
const TIMES: readonly string[] = [INTERVAL_END, EVENT_TIME];

export async function readFileFacts(
  connection: DuckDBConnection,
  { joinKeys, features }: Pick<AsOfView, 'joinKeys' | 'features'>,
  slices: readonly RevisedSlice[],
  offlineRoot: string,
): Promise<FileFacts> {
  const paths = [...new Set(slices.map(({ path }) => path))];
  const integers = [
    ...joinKeys.filter(({ type }) => type === 'int64'),
    ...features.map(({ feature }) => feature).filter(({ type }) => type === 'int32' || type === 'int64'),
  ];
  const columns = [...new Set([...TIMES, ...integers.map(({ name }) => name)])];
  const files = (
    await connection.runAndReadAll(
      factsSql(
        columns,
        paths.map((path) => join(offlineRoot, path)),
      ),
    )
  ).getRows();
  const pathOf = new Map(paths.map((path) => [join(offlineRoot, path), path]));
  const bounds = (column: number) => aroundAll(files.map((file) => boundsOf(file, column)));
  const boundsOfColumn = (name: string) => {
    const at = columns.indexOf(name, TIMES.length);
    return at === -1 ? null : bounds(at);
  };
  const byPath = (column: number) =>
    new Map(
      files.flatMap((file) => {
        const path = pathOf.get(String(file[0]));
        const found = boundsOf(file, column);
        return path === undefined || found === null ? [] : [[path, found] as const];
      }),
    );
  return {
    rows: files.reduce((sum, [, rows]) => sum + Number(rows), 0),
    keys: joinKeys.map(({ name }) => boundsOfColumn(name)),
    features: features.map(({ feature }) => boundsOfColumn(feature.name)),
    intervalEnds: byPath(TIMES.indexOf(INTERVAL_END)),
    eventTimes: byPath(TIMES.indexOf(EVENT_TIME)),
    recency: await readRecency(connection, paths, offlineRoot),
  };
}

/** Where in a row of `factsSql` the columns' bounds begin. */
const FIRST = 2;

function boundsOf(file: readonly unknown[], column: number): Bounds | null {
  const [least, most] = file.slice(FIRST + 2 * column);
  return typeof least === 'bigint' && typeof most === 'bigint' ? { least, most } : null;
}

/** A row a file: its name and rows, then the least and greatest value of each column. */
function factsSql(columns: readonly string[], paths: readonly string[]): string {
  const times = TIMES.map(stringLiteral).join(', ');
  const value = (text: string) =>
    `CASE WHEN path_in_schema IN (${times}) THEN epoch_us(TRY_CAST(${text} AS TIMESTAMP)) ELSE TRY_CAST(${text} AS BIGINT) END`;
  const perGroup = columns.flatMap((name, at) => [
    `max(least) FILTER (path_in_schema = ${stringLiteral(name)}) AS least${at}`,
    `max(most) FILTER (path_in_schema = ${stringLiteral(name)}) AS most${at}`,
  ]);
  const perFile = columns.flatMap((_, at) =>
    [`min(least${at})`, `max(most${at})`].map(
      (bound) => `CASE WHEN count(least${at}) = count(*) AND count(most${at}) = count(*) THEN ${bound} END`,
    ),
  );
  return (
    `SELECT ${['file_name', 'sum(rows)', ...perFile].join(', ')} ` +
    `FROM (SELECT ${['file_name', 'row_group_id', 'max(row_group_num_rows) AS rows', ...perGroup].join(', ')} ` +
    `FROM (SELECT *, ${value('coalesce(stats_min_value, stats_min)')} AS least, ${value('coalesce(stats_max_value, stats_max)')} AS most ` +
    `FROM parquet_metadata(${fileList(paths.map(literalPath))}) ` +
    `WHERE path_in_schema IN (${columns.map(stringLiteral).join(', ')})) GROUP BY file_name, row_group_id) ` +
    'GROUP BY file_name'
  );
}
