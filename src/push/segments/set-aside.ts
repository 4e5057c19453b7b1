import { randomUUID } from 'node:crypto';
import { mkdir, readdir, readFile, rename, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { messageOf } from '../../core/errors.ts';
import { type UnreadableSegment, type UnreadableSegments, unreadableText } from '../unreadable-segments.ts';
import type { SegmentOwner } from './segment-name.ts';

/** Ends the name of a segment that is not looked at any more: what people do with it is up to them. */
const ASIDE = '.unreadable';

/** The segments of one folder that cannot be read: out of the way of the others, and told of until they are gone. */
export interface SetAside {
  /** Renames the segment; `reason` is a clause. One that is gone is none. */
  add(path: string, reason: string): Promise<void>;
  /** Looks which there are now, and notes them. */
  look(): Promise<void>;
  /** As of the last look. */
  list(): readonly UnreadableSegment[];
}

export interface SetAsideOptions {
  readonly folder: string;
  readonly owner: SegmentOwner;
  readonly log: (line: string) => void;
  /** Without it only this process tells of them. */
  readonly unreadable?: UnreadableSegments | undefined;
}

export function setAside({ folder, owner, log, unreadable }: SetAsideOptions): SetAside {
  const reasons = new Map<string, string>();
  let known: readonly UnreadableSegment[] = [];
  /** Nothing is noted of a folder in which nothing is wrong, but once: what there was before may be gone. */
  let isNoted = false;

  async function look(): Promise<void> {
    known = await find(folder, owner.host, reasons);
    if (unreadable === undefined || (isNoted && known.length === 0)) return;
    try {
      await unreadable.note(await idOf(folder), known);
      isNoted = known.length === 0;
    } catch (error) {
      log(`The push log could not note its unreadable segments: ${messageOf(error)}`);
    }
  }

  return {
    async add(path, reason) {
      const aside = `${path}${ASIDE}`;
      reasons.set(aside, reason);
      isNoted = false;
      try {
        await rename(path, aside);
      } catch (error) {
        // Whoever shares the folder may have been first.
        if (!isMissing(error)) throw error;
      }
      await look();
      const segment = known.find((each) => each.path === aside);
      if (segment !== undefined) log(unreadableText(segment));
    },
    look,
    list: () => known,
  };
}

/** `<project>/<source>/<segment>.unreadable` */
async function find(
  folder: string,
  host: string,
  reasons: ReadonlyMap<string, string>,
): Promise<readonly UnreadableSegment[]> {
  const names = await readdir(folder, { recursive: true }).catch((error: unknown): string[] => {
    if (isMissing(error)) return [];
    throw error;
  });
  const found: UnreadableSegment[] = [];
  for (const name of names.toSorted()) {
    const [project, source, file] = name.split(/[/\\]/);
    if (project === undefined || source === undefined || !file?.endsWith(`.segment${ASIDE}`)) continue;
    const path = join(folder, name);
    const there = await stat(path).catch(() => undefined);
    if (there === undefined) continue;
    found.push({ project, source, host, path, bytes: there.size, reason: reasons.get(path) ?? null });
  }
  return found;
}

/** Stays with the folder, also when a container with another name takes it over. */
async function idOf(folder: string): Promise<string> {
  const path = join(folder, 'log-id');
  await mkdir(folder, { recursive: true });
  await writeFile(path, randomUUID(), { flag: 'wx', mode: 0o600 }).catch((error: unknown) => {
    if (!(error instanceof Error && 'code' in error && error.code === 'EEXIST')) throw error;
  });
  return (await readFile(path, 'utf8')).trim();
}

function isMissing(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'ENOENT';
}
