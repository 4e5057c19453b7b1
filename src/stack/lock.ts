import { randomUUID } from 'node:crypto';
import { linkSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { TidemarkError } from '../core/errors.ts';
import { commandLine } from './process.ts';
import type { Progress } from './server.ts';

const PATIENCE_MS = 10 * 60_000;

/**
 * Runs `action` while holding `file`, which names the pid that holds it. Others wait; the lock of a process that
 * no longer exists is taken away. Content and file appear at once (a hard link), so nobody reads half a lock.
 */
export async function withLock<T>(file: string, onWait: Progress, action: () => Promise<T>): Promise<T> {
  const mine = `${process.pid} ${randomUUID()}`;
  const draft = `${file}.${randomUUID()}`;
  writeFileSync(draft, mine);
  try {
    await take(file, draft, onWait);
  } finally {
    rmSync(draft, { force: true });
  }
  try {
    return await action();
  } finally {
    if (read(file) === mine) rmSync(file, { force: true });
  }
}

async function take(file: string, draft: string, onWait: Progress): Promise<void> {
  const deadline = performance.now() + PATIENCE_MS;
  let told = false;
  for (;;) {
    try {
      linkSync(draft, file);
      return;
    } catch (error) {
      if (!(error instanceof Error && 'code' in error && error.code === 'EEXIST')) throw error;
    }
    const holder = read(file);
    if (holder === null) continue;
    const pid = Number.parseInt(holder, 10);
    if (!Number.isInteger(pid) || commandLine(pid) === '') {
      breakStale(file, holder);
      continue;
    }
    if (!told) onWait(`Process ${pid} is starting or stopping the stack; waiting for it.`);
    told = true;
    if (performance.now() > deadline) {
      throw new TidemarkError(
        'STACK_UNAVAILABLE',
        `Cannot start the stack: process ${pid} has held ${file} for ten minutes. End that process, or delete the file.`,
      );
    }
    await sleep(50);
  }
}

/** Two waiters may both see the stale lock: what was moved aside is put back when it is somebody's fresh one. */
function breakStale(file: string, stale: string): void {
  const aside = `${file}.${randomUUID()}`;
  try {
    renameSync(file, aside);
  } catch {
    return;
  }
  if (read(aside) !== stale) {
    try {
      linkSync(aside, file);
    } catch {
      // A third process took the lock in between; the one moved aside is lost, and nothing better can be done.
    }
  }
  rmSync(aside, { force: true });
}

function read(file: string): string | null {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return null;
  }
}
