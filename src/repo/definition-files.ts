import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { TidemarkError } from '../core/errors.ts';
import { isTidemark } from './is-tidemark.ts';

/** Folders that hold data or installed packages, not definitions. */
const SKIPPED_FOLDERS: ReadonlySet<string> = new Set(['node_modules', 'live', 'data']);

/**
 * The files of a feature repository that may define something, relative to it, sorted: every `.ts` and `.mts` file
 * but tests and type declarations, outside of `node_modules`, `live`, `data`, dot folders and checkouts of Tidemark.
 *
 * @throws DEFINITION_INVALID when there is no such folder, or it is a checkout of Tidemark.
 */
export async function definitionFiles(dir: string): Promise<readonly string[]> {
  const found = await stat(dir).catch(() => undefined);
  if (found === undefined || !found.isDirectory()) {
    throw new TidemarkError(
      'DEFINITION_INVALID',
      `Cannot read feature repository "${dir}": ${found === undefined ? 'there is no such folder' : 'it is a file, not a folder'}.`,
    );
  }
  if (await isTidemark(dir)) {
    throw new TidemarkError(
      'DEFINITION_INVALID',
      `Cannot use "${dir}" as a feature repository: it is the folder of Tidemark itself. Name one in it, such as --repo feature_repo/flights (or TIDEMARK_REPO).`,
    );
  }
  const files: string[] = [];
  await walk('');
  return files.toSorted();

  async function walk(folder: string): Promise<void> {
    for (const entry of await readdir(join(dir, folder), { withFileTypes: true })) {
      const path = folder === '' ? entry.name : `${folder}/${entry.name}`;
      if (entry.isDirectory()) {
        if (SKIPPED_FOLDERS.has(entry.name) || entry.name.startsWith('.')) continue;
        if (!(await isTidemark(join(dir, path)))) await walk(path);
      } else if (/\.m?ts$/.test(entry.name) && !/\.(test|d)\.m?ts$/.test(entry.name)) files.push(path);
    }
  }
}
