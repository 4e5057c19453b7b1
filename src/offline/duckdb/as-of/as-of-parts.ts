import { randomUUID } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdir, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { digestOf } from '../../../core/canonical.ts';
import { moveIntoPlace } from '../feature-file.ts';

/**
 * Rows of the spine and of a view's files that are joined at once; below that, joining them again is quicker than
 * keeping what came of it. On two cores it takes a quarter of a minute.
 */
export const ROWS_PER_PART = 50_000_000;

/** A file of joined rows, which stays until its request is done, also when that fails, to be taken up again. */
export interface KeptPart {
  readonly path: string;
  /** Writes the file at the path it is given. */
  readonly write: (path: string) => Promise<void>;
}

/** The file is named by all that decides it. */
export function keptPart(folder: string, decides: object, write: KeptPart['write']): KeptPart {
  return { path: join(folder, `${digestOf(decides)}.parquet`), write };
}

/** How often parts are made that another build of the same set takes away when it is done. */
const ATTEMPTS = 3;

/**
 * What `read` makes of the files of parts; those that are not there from an earlier try are written first. `onPart` is
 * told how many are there.
 */
export async function throughParts<T>(
  parts: readonly KeptPart[],
  read: (paths: readonly string[]) => Promise<T>,
  onPart?: (done: number) => void,
): Promise<T> {
  for (let attempt = 1; ; attempt++) {
    try {
      for (const [at, part] of parts.entries()) {
        if (!existsSync(part.path)) await writePart(part);
        onPart?.(at + 1);
      }
      return await read(parts.map(({ path }) => path));
    } catch (error) {
      // With the folder gone the build that is done has taken it away; anything else is what it says.
      if (attempt === ATTEMPTS || parts.every(({ path }) => existsSync(dirname(path)))) throw error;
    }
  }
}

/** Under another name first: a file with the part's name is whole. */
async function writePart({ path, write }: KeptPart): Promise<void> {
  await mkdir(dirname(path), { recursive: true });
  const unfinished = join(dirname(path), `${randomUUID()}.unfinished`);
  try {
    await write(unfinished);
    await moveIntoPlace(unfinished, path);
  } finally {
    await rm(unfinished, { force: true });
  }
}
