import { randomUUID } from 'node:crypto';
import { mkdir, rm } from 'node:fs/promises';
import { dirname } from 'node:path';
import { digestAsWritten } from '../digest-as-written.ts';
import { moveIntoPlace } from '../feature-file.ts';

/** Writes a file under another name first, so that it is there only when it is whole. */
export async function writeOutput(
  path: string,
  write: (unfinished: string) => Promise<void>,
): Promise<{ readonly bytes: number; readonly digest: string }> {
  await mkdir(dirname(path), { recursive: true });
  const unfinished = `${path}.${randomUUID()}.unfinished`;
  const digest = digestAsWritten(unfinished);
  try {
    await write(unfinished);
    const content = await digest.finish();
    await moveIntoPlace(unfinished, path);
    return content;
  } finally {
    await digest.stop();
    await rm(unfinished, { force: true });
  }
}
