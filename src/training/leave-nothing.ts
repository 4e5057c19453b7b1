import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { filesIn } from './training-set-folder.ts';

/**
 * Makes a set in its folder so that nothing is left but the set: neither of attempts that died before, nor of this
 * one when it is cancelled.
 */
export async function leaveNothing<T>(
  folder: string,
  make: () => Promise<T>,
  signal: AbortSignal | undefined,
): Promise<T> {
  const before = await filesIn(folder);
  try {
    const made = await make();
    // An attempt that is alive after all finds its file gone, is repeated, and finds the set.
    await remove(folder, before.filter(isUnfinished));
    return made;
  } catch (error) {
    if (signal?.aborted === true) {
      const now = await filesIn(folder);
      await remove(
        folder,
        now.filter((name) => !before.includes(name)),
      );
    }
    throw error;
  }
}

function isUnfinished(name: string): boolean {
  return name.endsWith('.unfinished') || name.endsWith('.joined.parquet');
}

async function remove(folder: string, names: readonly string[]): Promise<void> {
  for (const name of names) await rm(join(folder, name), { force: true });
}
