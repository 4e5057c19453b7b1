import { readFile } from 'node:fs/promises';
import { join } from 'node:path';

/**
 * Whether a folder is a checkout of Tidemark itself. Much in one is a program, which runs when it is imported: it is
 * no feature repository, though its subfolders may be.
 */
export async function isTidemark(folder: string): Promise<boolean> {
  try {
    const found: unknown = JSON.parse(await readFile(join(folder, 'package.json'), 'utf8'));
    const { name, bin } = found as { readonly name?: unknown; readonly bin?: unknown };
    return name === 'tidemark' && typeof bin === 'object' && bin !== null && 'tidemark' in bin;
  } catch {
    return false; // None, or one that nothing could be installed from.
  }
}
