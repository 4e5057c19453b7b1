import { resolve } from 'node:path';
import type { DuckDBConnection } from '@duckdb/node-api';
import { TidemarkError } from '../../../core/errors.ts';
import type { PostgresSourceSpec, SourceSpec } from '../../../core/source.ts';
import { duckDbReason, failureKind, isLasting } from '../duckdb-failure.ts';
import { identifiers } from '../sql-text.ts';
import { scanFiles } from './file-scan.ts';
import type { OpenRange } from './hive-partitions.ts';
import { describePostgres, openPostgres, type PostgresRows } from './postgres-source.ts';
import { type FindPushedFiles, scanPushed } from './pushed-source.ts';
import type { RemoteAccess } from './remote-access.ts';
import { type EngineColumn, isRemote, sourcePath } from './source-scan.ts';

/** Where sources are looked for. */
export interface SourcePlace {
  /** The feature repository: relative paths start there. */
  readonly baseDir: string;
  /** Without it only local files can be read. */
  readonly remote?: RemoteAccess;
  /** Without it pushed rows cannot be read. */
  readonly pushed?: FindPushedFiles;
}

/** A source that can be selected from on the connection that opened it. */
export interface OpenSource {
  /** What stands after FROM. Rows outside the range that was asked for may be there too. */
  readonly relation: string;
  readonly columns: readonly EngineColumn[];
  /** As table functions take them; null when no file can hold rows of the range. */
  readonly files: string | null;
  /** One of its files, where none lies in a folder that tells a time as `partitionedBy` says. */
  readonly untimed?: string;
}

/** How many rows are looked at to see whether text can be read as the types declared for it. */
const ROWS_TRIED = 10_000;

/** SOURCE_UNREADABLE says which source, where, why, and what to do; SOURCE_SCHEMA_MISMATCH which column it lacks. */
export async function openSource(
  connection: DuckDBConnection,
  source: SourceSpec,
  place: SourcePlace,
  range?: OpenRange,
): Promise<OpenSource> {
  if (source.kind === 'postgres') {
    const rows = postgresRows(source);
    return { ...(await openPostgres(connection, rows, place.remote, range)), files: null };
  }
  if (source.kind === 'push') return scanPushed(connection, source, place.pushed, range);
  if (isRemote(source.path)) await openAddress(connection, source.path, place);
  try {
    return await scanFiles(connection, source, place.baseDir, range);
  } catch (error) {
    throw sourceFailure(error, source, place) ?? error;
  }
}

/** The same for looking only: what would have to be sent is not, and the relation then has no rows. */
export async function openShape(
  connection: DuckDBConnection,
  source: SourceSpec,
  place: SourcePlace,
): Promise<OpenSource> {
  // The definition says all there is to say of pushed rows.
  if (source.kind === 'push') return scanPushed(connection, source, async () => []);
  if (source.kind !== 'postgres') return openSource(connection, source, place);
  return { ...(await describePostgres(postgresRows(source), place.remote)), files: null };
}

export function postgresRows(source: PostgresSourceSpec): PostgresRows {
  const { name, urlEnv, table, query, timestampField } = source;
  const refused = (reason: string) =>
    new TidemarkError(
      'SOURCE_SCHEMA_MISMATCH',
      `Cannot read source "${name}" in Postgres: ${reason}. Give each a name of its own.`,
    );
  return { what: `source "${name}"`, urlEnv, table, query, timestampField, refused };
}

/** STACK_UNAVAILABLE when it cannot be reached from here at all. */
export async function openAddress(
  connection: DuckDBConnection,
  address: string,
  { remote }: SourcePlace,
): Promise<void> {
  if (!address.startsWith('s3://')) {
    throw new TidemarkError(
      'SOURCE_UNREADABLE',
      `Cannot read ${address}: of addresses, only s3:// can be read.`,
      { lasting: true },
    );
  }
  if (remote === undefined) {
    throw new TidemarkError(
      'STACK_UNAVAILABLE',
      `Cannot read ${address}: this process reads local files only.`,
    );
  }
  await remote.openS3(connection);
}

/** A source's columns, and a look at its first rows: text that is not of its declared type is found here. */
export async function inspectSource(
  connection: DuckDBConnection,
  source: SourceSpec,
  place: SourcePlace,
): Promise<readonly EngineColumn[]> {
  const { relation, columns, untimed } = await openShape(connection, source, place);
  if (untimed !== undefined) refuseUntimed(source, columns, untimed);
  if (source.kind !== 'csv' && source.kind !== 'json') return columns;
  if (source.columns.length === 0) return columns;
  try {
    const declared = identifiers(source.columns.map(({ name }) => name));
    await connection.run(
      `SELECT hash(COLUMNS(*)) FROM (SELECT ${declared} FROM ${relation} LIMIT ${ROWS_TRIED})`,
    );
  } catch (error) {
    throw sourceFailure(error, source, place) ?? error;
  }
  return columns;
}

const TIMES = { month: '2026-03', day: '2026-03-01', hour: '2026-03-01-06' } as const;

/** It would be read without a word, with all of its files for every range of time. */
function refuseUntimed(source: SourceSpec, columns: readonly EngineColumn[], file: string): void {
  if (!('partitionedBy' in source) || source.partitionedBy === undefined) return;
  const { column, granularity } = source.partitionedBy;
  // That there is none at all is told elsewhere.
  if (!columns.some(({ name }) => name === column)) return;
  throw new TidemarkError(
    'SOURCE_SCHEMA_MISMATCH',
    `Cannot use source "${source.name}": none of its files lies in a folder that tells its ${granularity} as partitionedBy says ` +
      `("${column}=${TIMES[granularity]}"), as ${file} does not. Correct partitionedBy, or leave it out.`,
  );
}

/** The error of a source that could not be read; undefined when the failure is not the source's. */
export function sourceFailure(
  error: unknown,
  source: SourceSpec,
  { baseDir }: SourcePlace,
): TidemarkError | undefined {
  if (source.kind === 'postgres' || source.kind === 'push') return undefined;
  const kind = failureKind(error);
  if (kind === 'interrupted' || kind === 'memory' || error instanceof TidemarkError) return undefined;
  const reason = duckDbReason(error);
  const path = sourcePath(source, baseDir);
  const mismatch = (what: string) =>
    new TidemarkError(
      'SOURCE_SCHEMA_MISMATCH',
      `Cannot read source "${source.name}" at ${path}: ${what} (${reason}). Correct the source's columns or its files.`,
      { cause: error },
    );
  if (/COLUMN_TYPES|types.*not exist|do not exist in the CSV/i.test(reason))
    return mismatch('it lacks a declared column');
  if (kind === 'conversion' || /^Error when converting column|transform JSON|JSON transform/i.test(reason))
    return mismatch('a value does not have its declared type');
  const advice = isRemote(path)
    ? 'check the address, and the AWS_ variables of the environment (credentials, region, endpoint)'
    : /No files found/.test(reason)
      ? `put files there, or correct the source's path (relative paths start at ${resolve(baseDir)})`
      : `check that the files are ${FORMATS[source.kind]} and can be read by this user`;
  return new TidemarkError(
    'SOURCE_UNREADABLE',
    `Cannot read source "${source.name}" at ${path}: ${reason}; ${advice}.`,
    { cause: error, lasting: isLasting(error) },
  );
}

const FORMATS = { parquet: 'Parquet', csv: 'CSV', json: 'JSON lines' } as const;
