import { constants } from 'node:fs';
import { type FileHandle, mkdir, open, rm } from 'node:fs/promises';
import { dirname } from 'node:path';

/** A segment that this process appends to. One call at a time. */
export interface SegmentFile {
  readonly path: string;
  /** Bytes that are on disk, all of them whole batches. */
  length(): number;
  /**
   * Resolves when the bytes are on disk. When it rejects, none of them count: what was written of them is cut off,
   * and when even that cannot be done the segment is broken: nothing more is appended, and only `length` bytes of
   * it count.
   */
  append(bytes: readonly Buffer[]): Promise<void>;
  isBroken(): boolean;
  close(): Promise<void>;
}

/** Makes the file, which must not be there, with its first line. Both it and its name are on disk afterwards. */
export async function createSegmentFile(path: string, header: Buffer): Promise<SegmentFile> {
  await makeFolder(dirname(path));
  const handle = await open(path, constants.O_CREAT | constants.O_EXCL | constants.O_WRONLY, 0o600);
  try {
    await writeAll(handle, [header], 0);
    await handle.datasync();
    await syncFolder(dirname(path));
  } catch (error) {
    await handle.close();
    await rm(path, { force: true });
    throw error;
  }
  return segmentFile(path, handle, header.length);
}

function segmentFile(path: string, handle: FileHandle, start: number): SegmentFile {
  let length = start;
  let broken = false;
  return {
    path,
    length: () => length,
    isBroken: () => broken,
    async append(bytes) {
      try {
        const written = await writeAll(handle, bytes, length);
        await handle.datasync();
        length += written;
      } catch (error) {
        // After a failed sync the system may have dropped pages that it calls written: nothing follows them.
        broken = true;
        await handle.truncate(length).catch(() => undefined);
        throw error;
      }
    },
    close: () => handle.close(),
  };
}

async function writeAll(handle: FileHandle, buffers: readonly Buffer[], position: number): Promise<number> {
  const bytes = buffers.length === 1 && buffers[0] !== undefined ? buffers[0] : Buffer.concat(buffers);
  let written = 0;
  while (written < bytes.length) {
    const result = await handle.write(bytes, written, bytes.length - written, position + written);
    written += result.bytesWritten;
  }
  return written;
}

/** With the folders above it that are not there, all on disk afterwards. */
async function makeFolder(path: string): Promise<void> {
  const first = await mkdir(path, { recursive: true });
  if (first === undefined) return;
  for (let made = path; made.length >= first.length; made = dirname(made)) await syncFolder(dirname(made));
}

/** A new name in a folder is on disk only when the folder is. */
async function syncFolder(path: string): Promise<void> {
  const handle = await open(path, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}
