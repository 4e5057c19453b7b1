import { randomUUID } from 'node:crypto';
import { mkdir, rm } from 'node:fs/promises';
import { dirname } from 'node:path';
import { digestIntoPlace } from '../feature-file.ts';

/** Writes a file under another name first, so that it is there only when it is whole. */
export async function writeOutput(
  path: string,
  write: (unfinished: string) => Promise<void>,
): Promise<{ readonly bytes: number; readonly digest: string }> {
  await mkdir(dirname(path), { recursive: true });
  const unfinished = `${path}.${randomUUID()}.unfinished`;
  try {
    await write(unfinished);
    return await digestIntoPlace(unfinished, path);
  } finally {
    await rm(unfinished, { force: true });
  }
}
