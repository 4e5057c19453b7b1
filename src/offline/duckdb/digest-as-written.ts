import { createHash } from 'node:crypto';
import { type FileHandle, open } from 'node:fs/promises';
import { setTimeout } from 'node:timers/promises';

/** How often it is looked whether there is more, in milliseconds. */
const PAUSE = 100;
const READ_AT_ONCE = 2 ** 20;
/** What the disk has not got after so many bytes it is given to write, so that little is left to wait for at the end. */
const SYNC_AFTER = 2 ** 26;

export interface DigestAsWritten {
  /** Once the file is whole: what is left of it, and its digest. */
  finish(): Promise<{ readonly bytes: number; readonly digest: string }>;
  /** Ends it, whether it has finished or not. */
  stop(): Promise<void>;
}

/**
 * SHA-256 of a file that is being written, which is read and put on the disk as it grows: at the end of a large one
 * neither is waited for. Only for files that are written from the beginning to the end, as DuckDB writes Parquet.
 */
export function digestAsWritten(path: string): DigestAsWritten {
  const hash = createHash('sha256');
  const buffer = Buffer.alloc(READ_AT_ONCE);
  const ending = new AbortController();
  let isWhole = false;
  let bytes = 0;
  let onDisk = 0;

  async function readOn(file: FileHandle): Promise<void> {
    for (;;) {
      const { bytesRead } = await file.read(buffer, 0, buffer.length, bytes);
      if (bytesRead === 0) return;
      hash.update(buffer.subarray(0, bytesRead));
      bytes += bytesRead;
      if (bytes - onDisk >= SYNC_AFTER) {
        await file.datasync();
        onDisk = bytes;
      }
    }
  }

  async function follow(): Promise<void> {
    let file: FileHandle | null = null;
    try {
      while (!ending.signal.aborted) {
        file ??= await openIfThere(path);
        if (file !== null) await readOn(file);
        await setTimeout(PAUSE, undefined, { signal: ending.signal }).catch(() => {});
      }
      if (!isWhole) return;
      file ??= await open(path, 'r');
      await readOn(file);
    } finally {
      await file?.close();
    }
  }

  const following = follow();
  // Who stops early has another error to tell.
  following.catch(() => {});
  return {
    async finish() {
      isWhole = true;
      ending.abort();
      await following;
      return { bytes, digest: hash.digest('hex') };
    },
    async stop() {
      ending.abort();
      await following.catch(() => {});
    },
  };
}

async function openIfThere(path: string): Promise<FileHandle | null> {
  try {
    return await open(path, 'r');
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return null;
    throw error;
  }
}
