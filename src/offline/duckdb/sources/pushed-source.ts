import type { DuckDBConnection } from '@duckdb/node-api';
import { TidemarkError } from '../../../core/errors.ts';
import { type Column, type PushSourceSpec, RECEIVED_TIME, valueColumns } from '../../../core/source.ts';
import { duckDbReason, isLasting } from '../duckdb-failure.ts';
import { fileList, identifier, literalPath } from '../sql-text.ts';
import { duckDbType } from '../types.ts';
import type { OpenRange } from './hive-partitions.ts';
import { pushedCast } from './pushed-cast.ts';
import { describeSelect } from './source-scan.ts';

/** Absolute paths of the recorded files that can hold rows of the range. */
export type FindPushedFiles = (source: PushSourceSpec, range: OpenRange) => Promise<readonly string[]>;

/**
 * The pushed rows of a source: its columns in their types, its times, and `RECEIVED_TIME`. Rows that agree in all
 * but the time at which they were received were pushed again, and are one; it was received when the first was.
 */
export async function scanPushed(
  connection: DuckDBConnection,
  source: PushSourceSpec,
  find: FindPushedFiles | undefined,
  range: OpenRange = {},
) {
  const paths = await filesOf(source, find, range);
  const files = paths.length === 0 ? null : fileList(paths.map(literalPath));
  const typed = columnsOf(source);
  const received = identifier(RECEIVED_TIME);
  const nothing = [...typed.map(({ name, type }) => ({ name, type: duckDbType(type) })), RECEIVED];
  const empty = `SELECT ${nothing.map(({ name, type }) => `NULL::${type} AS ${identifier(name)}`).join(', ')} WHERE false`;
  const columns = await describeSelect(connection, empty);
  if (files === null) return { relation: `(${empty})`, columns, files };
  const scan = `read_parquet(${files}, union_by_name = true, hive_partitioning = false)`;
  const found = await columnsOfFiles(connection, source, scan);
  // A file that was written before a column was added to the source lacks it, or has it in the type of its time.
  const cast = typed.map((column) => {
    const engineType = found.get(column.name.toLowerCase());
    const value =
      engineType === undefined ? `NULL::${duckDbType(column.type)}` : pushedCast(source, column, engineType);
    return `${value} AS ${identifier(column.name)}`;
  });
  const names = typed.map(({ name }) => identifier(name));
  const relation =
    `(SELECT ${names.join(', ')}, min(${received}) AS ${received} ` +
    `FROM (SELECT ${cast.join(', ')}, ${received} FROM ${scan}) GROUP BY ALL)`;
  return { relation, columns, files };
}

const RECEIVED = { name: RECEIVED_TIME, type: 'TIMESTAMP' } as const;

async function filesOf(
  source: PushSourceSpec,
  find: FindPushedFiles | undefined,
  range: OpenRange,
): Promise<readonly string[]> {
  if (find === undefined) {
    throw new TidemarkError(
      'STACK_UNAVAILABLE',
      `Cannot read the pushed rows of source "${source.name}": this process does not know where they are recorded.`,
    );
  }
  return find(source, range);
}

function columnsOf(source: PushSourceSpec): readonly Column[] {
  const { timestampField, createdTimestampField: created } = source;
  return [
    { name: timestampField, type: 'timestamp' },
    ...(created === null || created === RECEIVED_TIME ? [] : [{ name: created, type: 'timestamp' } as const]),
    ...valueColumns(source),
  ];
}

/** DuckDB's types by name, as SQL finds names: without regard to case. */
async function columnsOfFiles(
  connection: DuckDBConnection,
  source: PushSourceSpec,
  scan: string,
): Promise<ReadonlyMap<string, string>> {
  try {
    const columns = await describeSelect(connection, `SELECT * FROM ${scan}`);
    return new Map(columns.map(({ name, engineType }) => [name.toLowerCase(), engineType]));
  } catch (error) {
    throw new TidemarkError(
      'SOURCE_UNREADABLE',
      `Cannot read the pushed rows of source "${source.name}": ${duckDbReason(error)}. Check that the files below the offline store are there.`,
      { cause: error, lasting: isLasting(error) },
    );
  }
}
