import { messageOf } from '../../core/errors.ts';
import type { PushedSource } from '../pushed-files.ts';
import { mergeFiles } from './merge-files.ts';
import { type SealDeps, sealSegment } from './seal-segment.ts';

export interface SegmentToSeal {
  readonly path: string;
  /** How much of it counts; undefined when only the file can tell. */
  readonly length?: number;
}

/** Seals segments one after the other, in the background; one that cannot be sealed now is tried again later. */
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

export function sealQueue(deps: SealDeps, log: (line: string) => void): SealQueue {
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
        failure ??= { error };
        log(`Pushed rows in ${segment.path} cannot be made a file yet: ${messageOf(error)}`);
      }
    }
    if (failure !== undefined) throw failure.error;
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
