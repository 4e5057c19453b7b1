import { stat } from 'node:fs/promises';
import type { DuckDBConnection } from '@duckdb/node-api';
import { TidemarkError } from '../../core/errors.ts';
import type { Interval } from '../../core/interval.ts';
import type { SourceSpec } from '../../core/source.ts';
import { micros } from '../../core/time.ts';
import type { SourceColumn, SourceExtent, SourceReader } from '../source-reader.ts';
import { duckDbReason, failureKind } from './duckdb-failure.ts';
import type { DuckDbEngine } from './engine.ts';
import { intervalParameters, parseQuery } from './query-shape.ts';
import {
  describeScan,
  describeSelect,
  type EngineColumn,
  requireColumn,
  scanSql,
  sourceFailure,
  sourcePath,
  timeRangeSql,
  timestampSql,
} from './source-scan.ts';
import { identifier, stringLiteral } from './sql-text.ts';
import { valueTypeOfDuckDb } from './types.ts';

/** Reads Parquet and CSV files; relative paths start at `baseDir`, the feature repository. */
export function createDuckDbSourceReader(
  engine: DuckDbEngine,
  { baseDir }: { readonly baseDir: string },
): SourceReader {
  return {
    describe(source) {
      return engine.withConnection(async (connection) => ({
        columns: (await describeScan(connection, source, baseDir)).map(sourceColumn),
      }));
    },

    describeQuery(query, sources) {
      return engine.withConnection(async (connection) => {
        const shape = await parseQuery(
          connection,
          query,
          sources.map(({ name }) => name),
        );
        for (const source of sources) await createSourceView(connection, source, baseDir);
        try {
          // A table of no rows: only a bound statement tells its types, and DESCRIBE takes no parameters.
          await connection.run(
            `CREATE TEMP TABLE __described AS SELECT * FROM (${shape.text}) LIMIT 0`,
            intervalParameters(shape, { start: micros(0n), end: micros(1n) }),
          );
        } catch (error) {
          throw queryFailure(error);
        }
        const columns = await describeSelect(connection, 'SELECT * FROM __described');
        return { columns: columns.map(sourceColumn), digest: shape.digest };
      });
    },

    describeExpression(expression, source) {
      return engine.withConnection(async (connection) => {
        await describeScan(connection, source, baseDir);
        await requireExpression(connection, expression);
        try {
          const [column] = await describeSelect(
            connection,
            `SELECT (${expression}\n) FROM ${scanSql(source, baseDir)}`,
          );
          return column === undefined ? null : valueTypeOfDuckDb(column.engineType);
        } catch (error) {
          throw expressionFailure(expression, error);
        }
      });
    },

    extent(source, range) {
      return engine.withConnection(async (connection) => {
        const columns = await describeScan(connection, source, baseDir);
        const time = requireColumn(columns, source.timestampField, {
          of: `source "${source.name}"`,
          time: true,
        });
        try {
          return await measure(connection, source, time, range, baseDir);
        } catch (error) {
          throw sourceFailure(error, source, baseDir) ?? error;
        }
      });
    },
  };
}

/** The source under its name, for queries of SQL views. */
export async function createSourceView(
  connection: DuckDBConnection,
  source: SourceSpec,
  baseDir: string,
): Promise<void> {
  await describeScan(connection, source, baseDir);
  await connection.run(
    `CREATE OR REPLACE TEMP VIEW ${identifier(source.name)} AS SELECT * FROM ${scanSql(source, baseDir)}`,
  );
}

/** What is wrong with a query, when it is the query: QUERY_INVALID. */
export function queryFailure(error: unknown): unknown {
  const kind = failureKind(error);
  if (error instanceof TidemarkError || kind === 'interrupted' || kind === 'memory') return error;
  return new TidemarkError('QUERY_INVALID', `Cannot use the query: ${duckDbReason(error)}.`, {
    cause: error,
  });
}

function sourceColumn({ name, engineType }: EngineColumn): SourceColumn {
  return { name, type: valueTypeOfDuckDb(engineType), engineType };
}

/** One expression, not two and not a way out of its parentheses. */
async function requireExpression(connection: DuckDBConnection, expression: string): Promise<void> {
  const [row] = (
    await connection.runAndReadAll(`SELECT json_serialize_sql(${stringLiteral(`SELECT (${expression}\n)`)})`)
  ).getRows();
  const parsed: {
    error?: boolean;
    error_message?: string;
    statements?: { node?: { type?: string; select_list?: unknown[]; from_table?: { type?: string } } }[];
  } = JSON.parse(String(row?.[0]));
  const [statement, ...more] = parsed.statements ?? [];
  const node = statement?.node;
  if (
    parsed.error === true ||
    more.length > 0 ||
    node?.type !== 'SELECT_NODE' ||
    node.select_list?.length !== 1 ||
    node.from_table?.type !== 'EMPTY'
  ) {
    throw expressionFailure(expression, parsed.error_message ?? 'it is not one SQL expression');
  }
}

function expressionFailure(expression: string, error: unknown): unknown {
  if (error instanceof TidemarkError) return error;
  return new TidemarkError(
    'QUERY_INVALID',
    `Cannot use the expression "${expression}": ${duckDbReason(error)}.`,
  );
}

async function measure(
  connection: DuckDBConnection,
  source: SourceSpec,
  time: EngineColumn,
  range: Interval | undefined,
  baseDir: string,
): Promise<SourceExtent> {
  const where = timeRangeSql(time, { from: range?.start, to: range?.end });
  // Only the time column is read, and of Parquet only the row groups whose statistics touch the range.
  const at = `epoch_us(${timestampSql(time.name)})`;
  const [row = []] = (
    await connection.runAndReadAll(
      `SELECT count(*), min(${at}), max(${at}) FROM ${scanSql(source, baseDir)} WHERE ${where}`,
    )
  ).getRows();
  const rows = Number(row[0]);
  const { bytes: allBytes, rows: allRows } = await sizeOf(connection, source, baseDir);
  const bytes = allRows === null || allRows === 0 ? allBytes : Math.round((allBytes * rows) / allRows);
  if (rows === 0) return { rows: 0, bytes: 0 };
  return { rows, bytes, first: micros(BigInt(String(row[1]))), last: micros(BigInt(String(row[2]))) };
}

/** Size on disk, and all rows where the files' statistics tell them (null for CSV: counting would read it all). */
async function sizeOf(
  connection: DuckDBConnection,
  source: SourceSpec,
  baseDir: string,
): Promise<{ bytes: number; rows: number | null }> {
  const path = stringLiteral(sourcePath(source, baseDir));
  if (source.kind === 'parquet') {
    const [row = []] = (
      await connection.runAndReadAll(
        `SELECT sum(num_rows), sum(file_size_bytes) FROM parquet_file_metadata(${path})`,
      )
    ).getRows();
    return { rows: Number(row[0]), bytes: Number(row[1]) };
  }
  const files = (await connection.runAndReadAll(`SELECT file FROM glob(${path})`)).getRows();
  const sizes = await Promise.all(files.map(async ([file]) => (await stat(String(file))).size));
  return { rows: null, bytes: sizes.reduce((sum, size) => sum + size, 0) };
}
