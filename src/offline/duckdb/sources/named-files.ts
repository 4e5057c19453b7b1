import { existsSync, statSync } from 'node:fs';
import { resolve } from 'node:path';
import type { DuckDBConnection } from '@duckdb/node-api';
import { TidemarkError } from '../../../core/errors.ts';
import type { FileFormat } from '../../../core/source.ts';
import { identifiers, literalPath, stringLiteral } from '../sql-text.ts';
import { type PartitionedFile, partitionedFile, partitionKeys } from './hive-partitions.ts';
import { describeSelect, isRemote } from './source-scan.ts';

/** Files as people name them: one by its path, a folder with all that are in it, or several by a pattern. */
export interface NamedFiles {
  /** As DuckDB takes them. */
  readonly path: string;
  /** The only one, as its path is; null when there may be several. */
  readonly only: string | null;
  /** All of them, in order; of one that is elsewhere, its address. */
  readonly files: readonly PartitionedFile[];
  /** The columns of folders called `key=value`. */
  readonly keys: readonly string[];
  /** Folders of that kind above these: DuckDB takes them for columns too, once there are `keys`. */
  readonly above: readonly string[];
  /** The folder above all that a pattern, or a folder, may match. */
  readonly root: string;
}

/**
 * Finds out which files are meant, and which of their folders are columns: those from a pattern's first wildcard on, and
 * those within a folder that is named. What stands above is only where the files happen to lie: a file that is named by
 * its path has its own columns alone.
 */
export async function namedFiles(
  connection: DuckDBConnection,
  { kind, path }: { readonly kind: FileFormat; readonly path: string },
): Promise<NamedFiles> {
  const remote = isRemote(path);
  const absolute = remote ? path : resolve(path);
  const exists = !remote && existsSync(absolute);
  const isFolder = exists && statSync(absolute).isDirectory();
  if (!isFolder && (exists || (remote && !WILDCARD.test(path)))) {
    const files = [{ file: absolute, values: new Map() }];
    return {
      path: remote ? path : literalPath(absolute),
      only: remote ? null : absolute,
      files,
      keys: [],
      above: [],
      root: '',
    };
  }
  const pattern = isFolder ? `${literalPath(absolute)}/**/*.${EXTENSIONS[kind]}` : absolute;
  const root = isFolder ? `${absolute}/` : pattern.replace(/[*?[].*$/s, '').replace(/[^/]*$/, '');
  const found = await connection.runAndReadAll(
    `SELECT file FROM glob(${stringLiteral(pattern)}) ORDER BY file`,
  );
  const files = found.getRows().map(([file]) => {
    const name = String(file);
    const own = name.startsWith(root) ? name.slice(root.length) : name;
    return { file: name, values: partitionedFile(own).values };
  });
  const keys = partitionKeys(files);
  const above = [...partitionedFile(root).values.keys()].filter((name) => !keys.includes(name));
  return { path: pattern, only: null, files, keys, above: keys.length === 0 ? [] : above, root };
}

const WILDCARD = /[*?[]/;
const EXTENSIONS: Readonly<Record<FileFormat, string>> = { parquet: 'parquet', csv: 'csv', json: 'jsonl' };

/** The option of a table function; `types` are those of keys whose type is known. */
export function hiveOption({ keys }: NamedFiles, types: ReadonlyMap<string, string> = new Map()): string {
  const known = keys.flatMap((key) => {
    const type = types.get(key);
    return type === undefined ? [] : [`${stringLiteral(key)}: ${stringLiteral(type)}`];
  });
  const typed = known.length === 0 ? '' : `, hive_types = {${known.join(', ')}}`;
  return `, hive_partitioning = ${keys.length > 0}${typed}`;
}

/**
 * `scan` without the columns that only the place of the files gives.
 *
 * @throws SPINE_INVALID when one of these stands for a column of the files themselves.
 */
export async function withoutFoldersAbove(
  connection: DuckDBConnection,
  { kind, path, above, root }: NamedFiles & { readonly kind: FileFormat },
  scan: string,
): Promise<string> {
  if (above.length === 0) return scan;
  const own = `SELECT * FROM ${READERS[kind]}(${stringLiteral(path)}, hive_partitioning = false)`;
  for (const { name } of await describeSelect(connection, own)) {
    if (!above.includes(name)) continue;
    throw new TidemarkError(
      'SPINE_INVALID',
      `Cannot use the spine ${path}: its column "${name}" would be that of a folder in ${root}. Rename the column, or name files of one folder.`,
    );
  }
  return `(SELECT * EXCLUDE (${identifiers(above)}) FROM ${scan})`;
}

const READERS: Readonly<Record<FileFormat, string>> = {
  parquet: 'read_parquet',
  csv: 'read_csv',
  json: 'read_ndjson',
};
