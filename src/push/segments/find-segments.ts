import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { isDead, parseSegmentName, type SegmentOwner } from './segment-name.ts';

/** Paths of the segments in a push log's folder that nobody will append to any more. */
export async function findDeadSegments(folder: string, me: SegmentOwner): Promise<readonly string[]> {
  const dead: string[] = [];
  const names = await readdir(folder, { recursive: true }).catch((error: unknown) => {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return [];
    throw error;
  });
  for (const name of names) {
    const segment = parseSegmentName(name.split(/[/\\]/).at(-1) ?? '');
    if (segment === undefined) continue;
    const path = join(folder, name);
    // Another process may have sealed it since.
    const found = await stat(path).catch(() => undefined);
    if (found !== undefined && isDead(segment.owner, me, Date.now() - found.mtimeMs)) dead.push(path);
  }
  return dead.toSorted();
}
