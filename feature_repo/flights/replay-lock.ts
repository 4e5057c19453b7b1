import { open, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { TidemarkError } from '../../src/core/errors.ts';

const held = new Set<string>();

/**
 * Runs `work` as the only feeder of `liveDir`: two at once would both write the rows since the last feed.
 * The lock of a process that is gone is taken over.
 * @throws APPLY_CONFLICT (retryable) when another feed is running.
 */
export async function asOnlyFeeder<T>(liveDir: string, work: () => Promise<T>): Promise<T> {
  const path = join(liveDir, 'feeding.lock');
  if (held.has(path)) throw conflict(liveDir, 'this process');
  held.add(path);
  try {
    await take(path, liveDir);
    try {
      return await work();
    } finally {
      await rm(path, { force: true });
    }
  } finally {
    held.delete(path);
  }
}

async function take(path: string, liveDir: string): Promise<void> {
  if (await create(path)) return;
  const owner = Number(await readFile(path, 'utf8').catch(() => ''));
  // A lock with our own id that we do not hold was left by an earlier process with the same id (as in containers).
  if (owner !== process.pid && isAlive(owner)) throw conflict(liveDir, `process ${owner}`);
  await rm(path, { force: true });
  if (!(await create(path))) throw conflict(liveDir, 'another process');
}

async function create(path: string): Promise<boolean> {
  try {
    const file = await open(path, 'wx');
    await file.writeFile(String(process.pid));
    await file.close();
    return true;
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'EEXIST') return false;
    throw error;
  }
}

function isAlive(pid: number): boolean {
  if (!Number.isSafeInteger(pid) || pid <= 0) return false;
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return error instanceof Error && 'code' in error && error.code === 'EPERM';
  }
}

function conflict(liveDir: string, who: string): TidemarkError {
  return new TidemarkError(
    'APPLY_CONFLICT',
    `Cannot feed the replay in "${liveDir}": ${who} is feeding it. Try again when that is done.`,
  );
}
