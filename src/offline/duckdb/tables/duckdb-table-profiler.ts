import type { DuckDBConnection } from '@duckdb/node-api';
import { TidemarkError } from '../../../core/errors.ts';
import type { ColumnProfile, NumberProfile, TableProfiler } from '../../table-profiler.ts';
import { duckDbReason, failureKind } from '../duckdb-failure.ts';
import type { DuckDbEngine } from '../engine.ts';
import { describeSelect, type EngineColumn } from '../sources/source-scan.ts';
import { identifier } from '../sql-text.ts';
import { readableTable } from './readable-table.ts';

const SHARES = [0.01, 0.05, 0.25, 0.5, 0.75, 0.95, 0.99] as const;
const BINS = 20;
const TOP = 10;

/** One column at a time: what is held in memory is one column's numbers, not the table. */
export function createDuckDbTableProfiler(engine: DuckDbEngine): TableProfiler {
  return {
    profile: (table, signal) =>
      engine.withConnection(async (connection) => {
        try {
          const from = await readableTable(connection, table);
          const columns: ColumnProfile[] = [];
          const [count = []] = await rowsOf(connection, `SELECT count(*) FROM ${from}`);
          for (const column of await describeSelect(connection, `SELECT * FROM ${from}`)) {
            columns.push(await profileColumn(connection, from, column));
          }
          return { rows: Number(count[0]), columns };
        } catch (error) {
          if (failureKind(error) !== 'file') throw error;
          throw new TidemarkError('SOURCE_UNREADABLE', `Cannot read the table: ${duckDbReason(error)}.`, {
            cause: error,
          });
        }
      }, signal),
  };
}

async function profileColumn(
  connection: DuckDBConnection,
  from: string,
  { name, engineType }: EngineColumn,
): Promise<ColumnProfile> {
  const column = identifier(name);
  const numeric = NUMERIC.test(engineType);
  const isList = engineType.endsWith(']');
  const ordered = numeric || (/^(TIMESTAMP|DATE)/.test(engineType) && !isList);
  const bounds = ordered ? `CAST(min(${column}) AS VARCHAR), CAST(max(${column}) AS VARCHAR)` : 'NULL, NULL';
  const [row = []] = await rowsOf(connection, `SELECT count(*) - count(${column}), ${bounds} FROM ${from}`);
  return {
    name,
    type: engineType,
    nulls: Number(row[0]),
    least: textOf(row[1]),
    greatest: textOf(row[2]),
    numbers: numeric ? await profileNumbers(connection, from, column, WHOLE.test(engineType)) : null,
    top:
      /^(VARCHAR|BOOLEAN|DATE|UUID|ENUM)/.test(engineType) && !isList
        ? await topValues(connection, from, column)
        : null,
  };
}

const WHOLE = /^U?(TINYINT|SMALLINT|INTEGER|BIGINT|HUGEINT)$/;
const NUMERIC = /^U?(TINYINT|SMALLINT|INTEGER|BIGINT|HUGEINT)$|^(FLOAT|DOUBLE)$|^DECIMAL\(\d+,\d+\)$/;

async function profileNumbers(
  connection: DuckDBConnection,
  from: string,
  column: string,
  isWhole: boolean,
): Promise<NumberProfile | null> {
  const value = isWhole ? `, ${column} AS whole` : '';
  const numbers = `(SELECT CAST(${column} AS DOUBLE) AS x${value} FROM ${from} WHERE ${column} IS NOT NULL)`;
  const finite = 'FILTER (WHERE isfinite(x))';
  const quantiles = SHARES.map((share) =>
    isWhole ? `CAST(quantile_disc(whole, ${share}) AS VARCHAR)` : `quantile_disc(x, ${share}) ${finite}`,
  );
  const [row = []] = await rowsOf(
    connection,
    `SELECT min(x) ${finite}, max(x) ${finite}, avg(x) ${finite}, count(*) FILTER (WHERE NOT isfinite(x)), ${quantiles.join(', ')} FROM ${numbers}`,
  );
  const [least, greatest, mean, notFinite, ...values] = row;
  if (typeof least !== 'number' || typeof greatest !== 'number') return null;
  return {
    // Threads add in any order: the digits that could differ are left out.
    mean: Number(Number(mean).toPrecision(10)),
    quantiles: SHARES.map((share, at) => {
      const value = Number(values[at]);
      const isRounded = isWhole && !Number.isSafeInteger(value);
      return { share, value, ...(isRounded && { exact: String(values[at]) }) };
    }),
    notFinite: Number(notFinite),
    histogram: {
      from: least,
      to: greatest,
      counts: await histogram(connection, numbers, { least, greatest }),
    },
  };
}

async function histogram(
  connection: DuckDBConnection,
  numbers: string,
  { least, greatest }: { readonly least: number; readonly greatest: number },
): Promise<readonly number[]> {
  const bins = least === greatest ? 1 : BINS;
  // Divided first: the difference of two large numbers may be no number.
  const width = greatest / bins - least / bins;
  const bin =
    width > 0
      ? `least(${bins - 1}, CAST(floor(x / ${width}::DOUBLE - (${least / width})::DOUBLE) AS INTEGER))`
      : '0';
  const rows = await rowsOf(
    connection,
    `SELECT greatest(0, ${bin}) AS bin, count(*) FROM ${numbers} WHERE isfinite(x) GROUP BY bin`,
  );
  const counts = Array.from({ length: bins }, () => 0);
  for (const [at, count] of rows) counts[Number(at)] = Number(count);
  return counts;
}

async function topValues(connection: DuckDBConnection, from: string, column: string) {
  const rows = await rowsOf(
    connection,
    // By position: the table may have a column of any name.
    `SELECT CAST(${column} AS VARCHAR), count(*) FROM ${from} WHERE ${column} IS NOT NULL GROUP BY 1 ORDER BY 2 DESC, 1 LIMIT ${TOP}`,
  );
  return rows.map(([value, count]) => ({ value: String(value), count: Number(count) }));
}

async function rowsOf(connection: DuckDBConnection, sql: string): Promise<readonly (readonly unknown[])[]> {
  return (await connection.runAndReadAll(sql)).getRows();
}

function textOf(value: unknown): string | null {
  return typeof value === 'string' ? value : null;
}
