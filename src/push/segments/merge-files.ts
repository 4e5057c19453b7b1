import { createHash } from 'node:crypto';
import { posix } from 'node:path';
import { union } from '../../core/interval.ts';
import { type DurationMicros, durationOf } from '../../core/time.ts';
import type { PushedFile, PushedSource } from '../pushed-files.ts';
import type { SealDeps } from './seal-segment.ts';

export interface MergeLimits {
  /** So many small files of one day become one. */
  readonly files: number;
  /** A file of this size or more is not small. */
  readonly smallBytes: number;
  /** How long replaced files stay, for those who have found them and still read. */
  readonly keep: DurationMicros;
}

export const MERGE_LIMITS: MergeLimits = {
  files: 64,
  smallBytes: 32 * 1024 * 1024,
  keep: durationOf('1h'),
};

/**
 * Makes small files of a source into larger ones, a day at a time, and removes those that were replaced a while ago:
 * a file every ten seconds would be too many to open for a view of a week. Readers see either all of the small files
 * or the one that has their rows. Two processes that do this at once do not disturb each other.
 */
export async function mergeFiles(
  { project, source }: PushedSource,
  { files, writer }: SealDeps,
  limits: MergeLimits = MERGE_LIMITS,
): Promise<void> {
  const of = { project, source };
  for (const [folder, small] of merges(await files.files(of), limits)) {
    const paths = small.map(({ path }) => path);
    const path = `${folder}/merged-${createHash('sha256').update(paths.join('\n')).digest('hex').slice(0, 24)}.parquet`;
    const written = await writer.merge({ paths, path });
    const eventTimes = union(small.flatMap((file) => file.eventTimes));
    const isDone = await files.replace(paths, { ...of, path, ...written, eventTimes });
    // Of the same files, somebody else has made and recorded the same file.
    if (!isDone && !(await files.isRecorded(path))) await writer.remove(path);
  }
  const old = await files.replaced(of, limits.keep);
  for (const path of old) await writer.remove(path);
  if (old.length > 0) await files.removed(old);
}

/** Files that become one, and the folder of it. */
function* merges(
  files: readonly PushedFile[],
  limits: MergeLimits,
): Generator<readonly [folder: string, small: readonly PushedFile[]]> {
  for (const [folder, small] of smallByFolder(files, limits)) {
    if (small.length < limits.files) continue;
    // No more at once than makes a file that is not small: half a gigabyte of files took two of memory.
    let together: PushedFile[] = [];
    let bytes = 0;
    for (const file of small) {
      together.push(file);
      bytes += file.bytes;
      if (bytes < limits.smallBytes) continue;
      yield [folder, together];
      together = [];
      bytes = 0;
    }
    if (together.length >= limits.files) yield [folder, together];
  }
}

function smallByFolder(
  files: readonly PushedFile[],
  { smallBytes }: MergeLimits,
): ReadonlyMap<string, readonly PushedFile[]> {
  const folders = new Map<string, PushedFile[]>();
  for (const file of files) {
    if (file.bytes >= smallBytes) continue;
    const folder = posix.dirname(file.path);
    folders.set(folder, [...(folders.get(folder) ?? []), file]);
  }
  return folders;
}
