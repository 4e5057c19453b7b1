import { join } from 'node:path';
import type { DuckDBConnection } from '@duckdb/node-api';
import type { JoinKey } from '../../core/entity.ts';
import { CREATED_TIME, EVENT_TIME } from '../offline-columns.ts';
import { noteInFooter } from '../parquet/note-in-footer.ts';
import { fileList, identifier, literalPath, writtenParquet } from './sql-text.ts';

/**
 * What of a feature file's rows decides which is the newer one, as the file itself tells: it is written once and read by
 * many joins, each of which would have to look at every row to know.
 */
export interface FileRecency {
  /** No two rows of an entity have the same event time. */
  readonly distinct: boolean;
  /** Least and greatest created time less event time, in microseconds. */
  readonly lag: { readonly least: bigint; readonly most: bigint };
  /** Event times, and lags, are whole multiples of these, in microseconds. */
  readonly eventUnit: bigint;
  readonly lagUnit: bigint;
}

const NOTE = 'tidemark.recency';
const SECOND = 1_000_000;

/** What is noted under it, so that whoever looks into a file can read it too. */
const NOTED = /^(distinct|tied) events by (\d+), lag from (-?\d+) to (-?\d+) by (\d+)$/;

/** Notes it in the file at `path`, whose rows are in the order of event time and keys. */
export async function noteRecency(
  connection: DuckDBConnection,
  path: string,
  joinKeys: readonly JoinKey[],
): Promise<void> {
  const [[tied, eventUnit, least, most, lagUnit] = []] = (
    await connection.runAndReadAll(recencySql(path, joinKeys))
  ).getRows();
  const events = `${tied === true ? 'tied' : 'distinct'} events by ${eventUnit}`;
  await noteInFooter(path, NOTE, `${events}, lag from ${least} to ${most} by ${lagUnit}`);
}

/** Rows that tie are neighbours: each is compared with the one before it, as they stream by. */
function recencySql(path: string, joinKeys: readonly JoinKey[]): string {
  const columns = joinKeys.map(({ name }, at) => `${identifier(name)} AS k${at}`);
  const event = `epoch_us(${EVENT_TIME})`;
  const rows = [...columns, `${event} AS event`, `epoch_us(${CREATED_TIME}) - ${event} AS late`];
  const tied = ['event', ...columns.map((_, at) => `k${at}`)].map(
    (column) => `${column} IS NOT DISTINCT FROM lag(${column}) OVER ()`,
  );
  const unit = (column: string) => `CASE WHEN bool_and(${column} % ${SECOND} = 0) THEN ${SECOND} ELSE 1 END`;
  return (
    `SELECT bool_or(tied), ${unit('event')}, min(late), max(late), ${unit('late')} FROM (` +
    `SELECT event, late, ${tied.join(' AND ')} AS tied FROM (` +
    `SELECT ${rows.join(', ')} FROM ${writtenParquet([path])}))`
  );
}

/** By path; of those files that tell it. */
export async function readRecency(
  connection: DuckDBConnection,
  paths: readonly string[],
  offlineRoot: string,
): Promise<ReadonlyMap<string, FileRecency>> {
  const files = fileList(paths.map((path) => literalPath(join(offlineRoot, path))));
  const rows = (
    await connection.runAndReadAll(
      `SELECT file_name, decode(value) FROM parquet_kv_metadata(${files}) WHERE key = '${NOTE}'::BLOB`,
    )
  ).getRows();
  const pathOf = new Map(paths.map((path) => [join(offlineRoot, path), path]));
  return new Map(
    rows.flatMap(([file, text]) => {
      const path = pathOf.get(String(file));
      const recency = recencyOfNote(String(text));
      return path === undefined || recency === null ? [] : [[path, recency] as const];
    }),
  );
}

/** Null of a note that this version does not know. */
function recencyOfNote(text: string): FileRecency | null {
  const [, events, eventUnit, least, most, lagUnit] = NOTED.exec(text) ?? [];
  if (eventUnit === undefined || least === undefined || most === undefined || lagUnit === undefined)
    return null;
  return {
    distinct: events === 'distinct',
    lag: { least: BigInt(least), most: BigInt(most) },
    eventUnit: BigInt(eventUnit),
    lagUnit: BigInt(lagUnit),
  };
}
