import { messageOf, TidemarkError } from '../../core/errors.ts';
import type { PushedSource } from '../pushed-files.ts';
import { mergeFiles } from './merge-files.ts';
import { type SealDeps, sealSegment } from './seal-segment.ts';
import type { SetAside } from './set-aside.ts';

export interface SegmentToSeal {
  readonly path: string;
  /** How much of it counts; undefined when only the file can tell. */
  readonly length?: number;
}

/**
 * Seals segments one after the other, in the background. One that cannot be sealed now is tried again later; one that
 * cannot be read never will be, and is set aside.
 */
export interface SealQueue {
  add(segment: SegmentToSeal): void;
  has(path: string): boolean;
  /** Tries everything that waits once, and resolves when that has been done; rejects with the first failure. */
  drain(): Promise<void>;
  /** Nothing is tried again after it. */
  close(): void;
}

const RETRY_MILLIS = 5_000;

const MERGE_EVERY = 16;

export function sealQueue(
  { aside, ...deps }: SealDeps & { readonly aside: Pick<SetAside, 'add'> },
  log: (line: string) => void,
): SealQueue {
  const waiting = new Map<string, SegmentToSeal>();
  const sealed = new Map<string, number>();
  let turn: Promise<void> = Promise.resolve();
  let retry: NodeJS.Timeout | undefined;
  let isClosed = false;

  async function sealWaiting(): Promise<void> {
    let failure: { readonly error: unknown } | undefined;
    for (const segment of [...waiting.values()]) {
      try {
        const { source, path } = await sealSegment(segment.path, deps, segment.length);
        waiting.delete(segment.path);
        if (source !== null && path !== null) await mergeNowAndThen(source);
      } catch (error) {
        if (await isSetAside(segment, error)) continue;
        failure ??= { error };
        log(`Pushed rows in ${segment.path} cannot be made a file yet: ${messageOf(error)}`);
      }
    }
    if (failure !== undefined) throw failure.error;
  }

  async function isSetAside({ path }: SegmentToSeal, error: unknown): Promise<boolean> {
    if (!(error instanceof TidemarkError) || error.code !== 'STORE_CORRUPT') return false;
    try {
      await aside.add(path, error.message.replace(/^Cannot .*?: |\.$/gs, '').slice(0, 300));
    } catch (failure) {
      log(`Pushed rows in ${path} cannot be read, and not be set aside: ${messageOf(failure)}`);
      return false;
    }
    waiting.delete(path);
    return true;
  }

  /** After a few sealed segments, for files that are many are also those of other processes. */
  async function mergeNowAndThen(source: PushedSource): Promise<void> {
    const key = `${source.project}/${source.source}`;
    const count = (sealed.get(key) ?? 0) + 1;
    sealed.set(key, count % MERGE_EVERY);
    if (count < MERGE_EVERY) return;
    try {
      await mergeFiles(source, deps);
    } catch (error) {
      // They are read as they are, and looked at again.
      log(`Files of pushed rows of source "${source.source}" were not merged: ${messageOf(error)}`);
    }
  }

  function start(): Promise<void> {
    const done = turn.then(sealWaiting);
    turn = done.catch(() => {
      if (isClosed) return;
      retry ??= setTimeout(() => {
        retry = undefined;
        start().catch(() => undefined);
      }, RETRY_MILLIS).unref();
    });
    return done;
  }

  return {
    add(segment) {
      if (waiting.has(segment.path)) return;
      waiting.set(segment.path, segment);
      start().catch(() => undefined);
    },
    has: (path) => waiting.has(path),
    drain: start,
    close() {
      isClosed = true;
      clearTimeout(retry);
    },
  };
}
