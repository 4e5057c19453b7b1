import { randomUUID } from 'node:crypto';
import { rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { DuckDBConnection } from '@duckdb/node-api';
import { messageOf, TidemarkError } from '../../../core/errors.ts';
import type { Interval } from '../../../core/interval.ts';
import { RECEIVED_TIME, valueColumns } from '../../../core/source.ts';
import { micros } from '../../../core/time.ts';
import { type ScalarType, type ValueType, valueTypeOf } from '../../../core/value-type.ts';
import type { PushedRowsWriter, WritePushedRows, WrittenPushedRows } from '../../pushed-rows-writer.ts';
import { copyRowsSql } from '../copy-to-parquet.ts';
import { duckDbReason, failureKind } from '../duckdb-failure.ts';
import type { DuckDbEngine } from '../engine.ts';
import { digestIntoPlace, makeFolder } from '../feature-file.ts';
import { fileList, identifier, literalPath, stringLiteral } from '../sql-text.ts';
import { duckDbType, kept } from '../types.ts';
import { mergeMinutes } from './merge-minutes.ts';

/** Lines are read in pieces of twice this size at least. */
const SHORTEST_BUFFER = 1024 * 1024;

/** Makes files of pushed rows with DuckDB, below `offlineRoot`. */
export function createDuckDbPushedRowsWriter(
  engine: DuckDbEngine,
  { offlineRoot }: { readonly offlineRoot: string },
): PushedRowsWriter {
  return {
    write(request) {
      return engine.withConnection(async (connection) => {
        try {
          return await write(connection, request, offlineRoot);
        } catch (error) {
          if (error instanceof TidemarkError || failureKind(error) === 'memory') throw error;
          // What a disk or a stop is to blame for may go well the next time.
          const isPassing = /^(IO|HTTP|Permission|INTERRUPT) Error/.test(messageOf(error));
          throw new TidemarkError(
            isPassing ? 'STORE_UNAVAILABLE' : 'STORE_CORRUPT',
            `Cannot make a file of the pushed rows of source "${request.source.name}" in ${request.lines}: ${duckDbReason(error)}.`,
            { cause: error },
          );
        }
      });
    },

    merge({ paths, path }) {
      return engine.withConnection(async (connection) => {
        const files = fileList(paths.map((each) => literalPath(join(offlineRoot, each))));
        const scan = `read_parquet(${files}, union_by_name = true, hive_partitioning = false)`;
        // The time stands first in every file, and rows that agree in all columns are in one order.
        const rows =
          `SELECT * EXCLUDE (${RECEIVED_TIME}), min(${RECEIVED_TIME}) AS ${RECEIVED_TIME} ` +
          `FROM ${scan} GROUP BY ALL ORDER BY ALL`;
        return copyInto(connection, rows, join(offlineRoot, path));
      });
    },

    remove: (path) => rm(join(offlineRoot, path), { force: true }),
  };
}

/** Under another name first. */
async function copyInto(
  connection: DuckDBConnection,
  select: string,
  target: string,
): Promise<{ readonly rows: number; readonly bytes: number; readonly digest: string }> {
  const unfinished = `${target}.${randomUUID()}.unfinished`;
  await makeFolder(dirname(target));
  try {
    const { rowsChanged: rows } = await connection.run(copyRowsSql(select, unfinished));
    return { rows, ...(await digestIntoPlace(unfinished, target)) };
  } finally {
    await rm(unfinished, { force: true });
  }
}

async function write(
  connection: DuckDBConnection,
  { source, lines, longestLine, path }: WritePushedRows,
  offlineRoot: string,
): Promise<WrittenPushedRows> {
  const values = valueColumns(source);
  const read = [
    ['t', 'BIGINT'],
    ['c', 'BIGINT'],
    ['r', 'BIGINT'],
    ...values.map(({ type }, index) => [`v${index}`, lineType(type)] as const),
  ].map(([name = '', type = '']) => `${stringLiteral(name)}: ${stringLiteral(type)}`);
  const created = source.createdTimestampField;
  const columns = [
    `make_timestamp(t) AS ${identifier(source.timestampField)}`,
    ...(created === null || created === RECEIVED_TIME ? [] : [`make_timestamp(c) AS ${identifier(created)}`]),
    `make_timestamp(r) AS ${RECEIVED_TIME}`,
    ...values.map(({ name, type }, index) => `${fromLine(`v${index}`, type)} AS ${identifier(name)}`),
  ];
  await connection.run(
    `CREATE OR REPLACE TEMP TABLE __pushed AS SELECT * FROM read_json(${stringLiteral(literalPath(lines))}, ` +
      `format = 'newline_delimited', compression = 'uncompressed', maximum_object_size = ${Math.max(longestLine, SHORTEST_BUFFER)}, columns = {${read.join(', ')}}) WHERE t IS NOT NULL`,
  );
  // A connection serves one call: the table goes with it.
  const rows = `SELECT ${columns.join(', ')} FROM __pushed ORDER BY t, rowid`;
  const file = await copyInto(connection, rows, join(offlineRoot, path));
  return { ...file, eventTimes: await eventTimes(connection) };
}

const MINUTE = 60_000_000n;

async function eventTimes(connection: DuckDBConnection): Promise<readonly Interval[]> {
  const result = await connection.runAndReadAll(
    // Rounded down, also before 1970.
    `SELECT DISTINCT t - ((t % ${MINUTE}) + ${MINUTE}) % ${MINUTE} AS minute FROM __pushed ORDER BY minute`,
  );
  return mergeMinutes(result.getRows().map(([minute]) => micros(BigInt(String(minute)))));
}

/** What a value's text in a line is read as. */
function lineType(type: ValueType): string {
  const parsed = valueTypeOf(type);
  switch (parsed.kind) {
    case 'scalar':
      return scalarLineType(parsed.type);
    case 'array':
      return `${scalarLineType(parsed.element)}[]`;
    case 'vector':
      return 'FLOAT[]';
  }
}

function scalarLineType(type: ScalarType): string {
  if (type === 'timestamp') return 'BIGINT';
  return type === 'bytes' || type === 'json' ? 'VARCHAR' : duckDbType(type);
}

function fromLine(column: string, type: ValueType): string {
  const parsed = valueTypeOf(type);
  const sqlType = duckDbType(type);
  switch (parsed.kind) {
    case 'scalar':
      return `CAST(${scalarFromLine(column, parsed.type)} AS ${sqlType})`;
    case 'array':
      return `CAST(list_transform(${column}, lambda item: ${scalarFromLine('item', parsed.element)}) AS ${sqlType})`;
    case 'vector':
      return kept(`CAST(${column} AS ${sqlType})`, sqlType);
  }
}

function scalarFromLine(expression: string, type: ScalarType): string {
  if (type === 'timestamp') return `make_timestamp(${expression})`;
  return type === 'bytes' ? `from_base64(${expression})` : expression;
}
