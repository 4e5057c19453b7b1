import type { DuckDBConnection } from '@duckdb/node-api';
import type { FileFormat } from '../../../core/source.ts';
import type { Spine } from '../../as-of-engine.ts';
import type { NamedFiles } from '../sources/named-files.ts';
import { mayBeRenamed, namesInFile, namesProblem } from '../sources/own-names.ts';
import type { EngineColumn } from '../sources/source-scan.ts';
import { literalPath } from '../sql-text.ts';
import { spineProblem } from './spine-columns.ts';

/**
 * SPINE_INVALID where DuckDB has given columns names that they do not have: all of them are in the training set.
 * `ownNames` gives their own, and is asked only where that may be.
 */
export async function refuseNames(
  spine: Spine,
  columns: readonly EngineColumn[],
  ownNames: () => Promise<readonly string[]>,
): Promise<void> {
  const problem = mayBeRenamed(columns) ? namesProblem(await ownNames()) : null;
  if (problem !== null) throw spineProblem(spine, problem);
}

/** The names in the first file, which are those of all; of JSON lines, each of which has its own, those in all files. */
export async function namesInFiles(
  connection: DuckDBConnection,
  kind: FileFormat,
  { path, files: [first] }: NamedFiles,
): Promise<readonly string[]> {
  if (kind === 'json') return namesInFile(connection, kind, { file: path, lines: null });
  return first === undefined
    ? []
    : namesInFile(connection, kind, { file: literalPath(first.file), lines: null });
}
