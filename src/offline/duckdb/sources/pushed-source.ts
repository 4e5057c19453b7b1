import type { DuckDBConnection } from '@duckdb/node-api';
import { TidemarkError } from '../../../core/errors.ts';
import { type PushSourceSpec, RECEIVED_TIME, valueColumns } from '../../../core/source.ts';
import { duckDbReason } from '../duckdb-failure.ts';
import { fileList, identifier, literalPath } from '../sql-text.ts';
import { duckDbType } from '../types.ts';
import type { OpenRange } from './hive-partitions.ts';
import { describeSelect, type EngineColumn } from './source-scan.ts';

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
  const typed = columnsOf(source);
  const names = typed.map(({ name }) => identifier(name));
  const empty = `SELECT ${typed.map(({ name, type }) => `NULL::${type} AS ${identifier(name)}`).join(', ')} WHERE false`;
  const files = paths.length === 0 ? null : fileList(paths.map(literalPath));
  // A file that was written before a column was added to the source lacks it: by name, and with the types of today.
  const rows =
    files === null
      ? empty
      : `${empty} UNION ALL BY NAME SELECT * FROM read_parquet(${files}, union_by_name = true, hive_partitioning = false)`;
  const cast = typed.map(({ name, type }) => `CAST(${identifier(name)} AS ${type}) AS ${identifier(name)}`);
  const received = identifier(RECEIVED_TIME);
  const relation =
    `(SELECT ${names.join(', ')}, min(${received}) AS ${received} ` +
    `FROM (SELECT ${cast.join(', ')}, ${received} FROM (${withReceived(rows)})) GROUP BY ALL)`;
  return { relation, columns: await columnsOfRelation(connection, source, relation), files };
}

function withReceived(rows: string): string {
  return `SELECT * FROM (SELECT NULL::TIMESTAMP AS ${identifier(RECEIVED_TIME)} WHERE false) UNION ALL BY NAME ${rows}`;
}

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

function columnsOf(source: PushSourceSpec): readonly { readonly name: string; readonly type: string }[] {
  const { timestampField, createdTimestampField: created } = source;
  return [
    { name: timestampField, type: 'TIMESTAMP' },
    ...(created === null || created === RECEIVED_TIME ? [] : [{ name: created, type: 'TIMESTAMP' }]),
    ...valueColumns(source).map(({ name, type }) => ({ name, type: duckDbType(type) })),
  ];
}

async function columnsOfRelation(
  connection: DuckDBConnection,
  source: PushSourceSpec,
  relation: string,
): Promise<readonly EngineColumn[]> {
  try {
    return await describeSelect(connection, `SELECT * FROM ${relation}`);
  } catch (error) {
    throw new TidemarkError(
      'SOURCE_UNREADABLE',
      `Cannot read the pushed rows of source "${source.name}": ${duckDbReason(error)}. Check that the files below the offline store are there.`,
      { cause: error },
    );
  }
}
