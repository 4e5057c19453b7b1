import { rm, rmdir } from 'node:fs/promises';
import { join } from 'node:path';
import { filesIn } from './training-set-folder.ts';

/** The folder beside a set's data in which a build keeps the parts that are done (`AsOfRequest.workFolder`). */
export const PARTS = 'unfinished';

/**
 * Makes a set in its folder so that nothing is left but the set: neither of attempts that died before, nor of this
 * one when it is cancelled. One that fails leaves what another attempt goes on with.
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
      const kept = isShutdown(signal) ? [...before, PARTS] : before.filter((name) => name !== PARTS);
      await remove(
        folder,
        now.filter((name) => !kept.includes(name)),
      );
    }
    // Nor an empty folder; one that is not empty stays.
    await rmdir(folder).catch(() => undefined);
    throw error;
  }
}

/** The worker ends, and another goes on with the parts that are there: how Temporal says so. */
function isShutdown({ reason }: AbortSignal): boolean {
  return reason instanceof Error && reason.message === 'WORKER_SHUTDOWN';
}

function isUnfinished(name: string): boolean {
  return name.endsWith('.unfinished') || name.endsWith('.joined.parquet');
}

async function remove(folder: string, names: readonly string[]): Promise<void> {
  for (const name of names) await rm(join(folder, name), { force: true, recursive: true });
}
