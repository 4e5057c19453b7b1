import { createHash, randomUUID } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { mkdir, open, rename, rm } from 'node:fs/promises';
import { dirname } from 'node:path';
import type { DuckDBConnection } from '@duckdb/node-api';
import type { BatchViewSpec } from '../../core/feature-view.ts';
import { CREATED_TIME, EVENT_TIME, INTERVAL_END, VALID_TO } from '../offline-columns.ts';
import { normalised } from './compute/aggregate-arguments.ts';
import { copyRowsSql } from './copy-to-parquet.ts';
import { noteRecency } from './file-recency.ts';
import { identifier } from './sql-text.ts';
import { duckDbType, kept } from './types.ts';

export interface WrittenFile {
  readonly rows: number;
  readonly bytes: number;
  readonly digest: string;
}

/** What of a view its files follow. */
export type FileShape = Pick<BatchViewSpec, 'joinKeys' | 'features' | 'validTo'>;

/**
 * The columns of an offline file, in order. Zero has one sign, because Parquet's dictionaries take both for one
 * value: which of them a row would get back depended on its neighbours.
 */
function fileColumns(view: FileShape): readonly string[] {
  return [
    ...view.joinKeys.map(({ name }) => identifier(name)),
    EVENT_TIME,
    CREATED_TIME,
    INTERVAL_END,
    ...(view.validTo === undefined ? [] : [VALID_TO]),
    ...view.features.map(({ name, type }) => {
      const column = identifier(name);
      const value = kept(normalised(column, duckDbType(type)), duckDbType(type));
      return value === column ? column : `${value} AS ${column}`;
    }),
  ];
}

/**
 * Writes the rows of `select` as Parquet at `path` (absolute), in the order of event time, key and created time, which
 * is total: the same rows give the same bytes (`copyRowsSql`). It has another name first. Null, and no file, when there
 * are no rows. Its footer tells which of its rows can be newer than others (`noteRecency`).
 */
export async function writeFeatureFile(
  connection: DuckDBConnection,
  view: FileShape,
  select: string,
  path: string,
): Promise<WrittenFile | null> {
  await makeFolder(dirname(path));
  const unfinished = `${path}.${randomUUID()}.unfinished`;
  const order = [EVENT_TIME, ...view.joinKeys.map(({ name }) => name), CREATED_TIME]
    .map(identifier)
    .join(', ');
  try {
    const result = await connection.run(
      copyRowsSql(`SELECT ${fileColumns(view).join(', ')} FROM (${select}) ORDER BY ${order}`, unfinished),
    );
    const rows = result.rowsChanged;
    if (rows === 0) return null;
    await noteRecency(connection, unfinished, view.joinKeys);
    return { rows, ...(await digestIntoPlace(unfinished, path)) };
  } finally {
    await rm(unfinished, { force: true });
  }
}

/**
 * Renames a finished file, both on disk before this returns: what the ledger commits after it must not be gone when
 * the power fails.
 */
export async function moveIntoPlace(unfinished: string, path: string): Promise<void> {
  await onDisk(unfinished);
  await rename(unfinished, path);
  await onDisk(dirname(path));
}

/** `moveIntoPlace`, and the file's digest, which is made while the disk works. */
export async function digestIntoPlace(
  unfinished: string,
  path: string,
): Promise<{ bytes: number; digest: string }> {
  const [content] = await Promise.all([digestOfFile(unfinished), onDisk(unfinished)]);
  await moveIntoPlace(unfinished, path);
  return content;
}

/** Makes a folder, and those above it that are not there; they are on disk before this returns, as the file will be. */
export async function makeFolder(path: string): Promise<void> {
  const first = await mkdir(path, { recursive: true });
  if (first === undefined) return;
  for (let made = path; made.length >= first.length; made = dirname(made)) await onDisk(dirname(made));
}

async function onDisk(path: string): Promise<void> {
  const handle = await open(path, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

/** Bytes; with Node's own 64 KiB a digest takes twice as long. */
const READ_AT_ONCE = 2 ** 20;

export async function digestOfFile(path: string): Promise<{ bytes: number; digest: string }> {
  const hash = createHash('sha256');
  let bytes = 0;
  for await (const chunk of createReadStream(path, { highWaterMark: READ_AT_ONCE })) {
    hash.update(chunk);
    bytes += chunk.length;
  }
  return { bytes, digest: hash.digest('hex') };
}
