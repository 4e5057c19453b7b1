import type { DuckDBConnection } from '@duckdb/node-api';
import type { Interval } from '../../../core/interval.ts';
import type { SourceSpec } from '../../../core/source.ts';
import { earliest, latest, type Micros, micros } from '../../../core/time.ts';
import type { SourceExtent } from '../../source-reader.ts';
import { fileList, literalPath, stringLiteral } from '../sql-text.ts';
import type { OpenSource } from './open-source.ts';
import { type EngineColumn, timeRangeSql, timestampSql } from './source-scan.ts';

/**
 * Rows, bytes and time span of a source's files in a range. Of Parquet, files whose row groups lie inside the range or
 * outside of it by their footers are not read; of the others, and of text, only the time column is.
 */
export async function measureFiles(
  connection: DuckDBConnection,
  source: SourceSpec,
  opened: OpenSource,
  time: EngineColumn,
  range: Interval | undefined,
): Promise<SourceExtent> {
  const told = source.kind === 'parquet' ? await fromFooters(connection, opened, time, range) : undefined;
  const { rows, first, last } = told ?? (await counted(connection, opened.relation, time, range));
  if (rows === 0 || first === undefined || last === undefined) return { rows: 0, bytes: 0 };
  const { bytes: allBytes, rows: allRows } = await sizeOf(connection, source, opened);
  const bytes = allRows === null || allRows === 0 ? allBytes : Math.round((allBytes * rows) / allRows);
  return { rows, bytes, first, last };
}

interface Count {
  readonly rows: number;
  readonly first?: Micros;
  readonly last?: Micros;
}

async function counted(
  connection: DuckDBConnection,
  relation: string,
  time: EngineColumn,
  range: Interval | undefined,
): Promise<Count> {
  const where = timeRangeSql(time, { from: range?.start, to: range?.end });
  const at = `epoch_us(${timestampSql(time.name)})`;
  const [row = []] = (
    await connection.runAndReadAll(`SELECT count(*), min(${at}), max(${at}) FROM ${relation} WHERE ${where}`)
  ).getRows();
  return countOf(row[0], row[1], row[2]);
}

function countOf(rows?: unknown, first?: unknown, last?: unknown): Count {
  if (first == null || last == null) return { rows: 0 };
  return { rows: Number(rows), first: micros(BigInt(String(first))), last: micros(BigInt(String(last))) };
}

/** Undefined when the time is no column of the files, but a folder's. */
async function fromFooters(
  connection: DuckDBConnection,
  { files }: OpenSource,
  time: EngineColumn,
  range: Interval | undefined,
): Promise<Count | undefined> {
  if (files === null) return { rows: 0 };
  const at = (statistic: string) => `epoch_us(try_cast(${statistic} AS TIMESTAMP))`;
  const inside = range === undefined ? 'low <= high' : `low >= ${range.start} AND high < ${range.end}`;
  const outside = range === undefined ? 'false' : `low >= ${range.end} OR high < ${range.start}`;
  const found = await connection.runAndReadAll(
    `SELECT file_name, bool_and(inside OR outside), coalesce(sum(kept) FILTER (inside), 0), min(low) FILTER (inside), max(high) FILTER (inside)
     FROM (SELECT *, coalesce(kept = 0 OR (${inside}), false) AS inside, coalesce(${outside}, false) AS outside
           FROM (SELECT file_name, ${at('stats_min_value')} AS low, ${at('stats_max_value')} AS high, num_values - stats_null_count AS kept
                 FROM parquet_metadata(${files}) WHERE lower(path_in_schema) = lower(${stringLiteral(time.name)})))
     GROUP BY file_name`,
  );
  const rows = found.getRows();
  if (rows.length === 0) return undefined;
  const told = rows.flatMap(([, known, ...count]) => (known === true ? [countOf(...count)] : []));
  const untold = rows.flatMap(([file, known]) => (known === true ? [] : [literalPath(String(file))]));
  if (untold.length > 0) {
    const scan = `read_parquet(${fileList(untold)}, union_by_name = true, hive_partitioning = false)`;
    told.push(await counted(connection, scan, time, range));
  }
  return told.reduce(together, { rows: 0 });
}

function together(a: Count, b: Count): Count {
  if (a.first === undefined || a.last === undefined) return b;
  if (b.first === undefined || b.last === undefined) return a;
  return { rows: a.rows + b.rows, first: earliest(a.first, b.first), last: latest(a.last, b.last) };
}

/** Size of the files, and all rows where their footers tell them (null for text: counting would read it all). */
async function sizeOf(
  connection: DuckDBConnection,
  source: SourceSpec,
  { files }: OpenSource,
): Promise<{ readonly bytes: number; readonly rows: number | null }> {
  if (files === null) return { bytes: 0, rows: 0 };
  const isParquet = source.kind === 'parquet' || source.kind === 'push';
  const [row = []] = (
    await connection.runAndReadAll(
      isParquet
        ? `SELECT sum(file_size_bytes), sum(num_rows) FROM parquet_file_metadata(${files})`
        : // Only what the file system says is read of them.
          `SELECT sum(size) FROM read_blob(${files})`,
    )
  ).getRows();
  return { bytes: Number(row[0]), rows: isParquet ? Number(row[1]) : null };
}
