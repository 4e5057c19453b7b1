import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

export const ROOT = join(import.meta.dirname, '../..');

export interface SourceFile {
  /** From the root of the repository, with `/`. */
  readonly path: string;
  readonly text: string;
}

/** Every .ts file under the folders, sorted; a file that is deleted or renamed meanwhile is left out. */
export function sourceFiles(...folders: readonly string[]): readonly SourceFile[] {
  return paths(folders)
    .filter((path) => path.endsWith('.ts'))
    .flatMap((path) => {
      const text = readIfThere(path);
      return text === undefined ? [] : [{ path, text }];
    });
}

/** Every folder under the folders, sorted. */
export function subfolders(...folders: readonly string[]): readonly string[] {
  const found = new Set<string>();
  for (const path of paths(folders)) {
    const parts = path.split('/').slice(0, -1);
    for (let depth = 1; depth <= parts.length; depth++) found.add(parts.slice(0, depth).join('/'));
  }
  return [...found].toSorted();
}

export function isTest(path: string): boolean {
  return path.endsWith('.test.ts');
}

function paths(folders: readonly string[]): readonly string[] {
  return folders
    .filter((folder) => existsSync(join(ROOT, folder)))
    .flatMap((folder) =>
      readdirSync(join(ROOT, folder), { recursive: true, encoding: 'utf8' }).map(
        (path) => `${folder}/${path.replaceAll('\\', '/')}`,
      ),
    )
    .toSorted();
}

function readIfThere(path: string): string | undefined {
  try {
    return readFileSync(join(ROOT, path), 'utf8');
  } catch {
    return undefined;
  }
}
