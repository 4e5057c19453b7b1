import { createHash, randomUUID } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { readdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { TidemarkError } from '../core/errors.ts';
import type { TrainingSetManifest } from './manifest.ts';

/** Where training sets lie: `<offline root>/<project>/training-sets/<id>/`, the manifest beside the data. */
export const MANIFEST = 'manifest.json';

export function trainingSetFolder(offlineRoot: string, project: string, id: string): string {
  return join(offlineRoot, project, 'training-sets', id);
}

/** Undefined when the set is not there as a whole; STORE_CORRUPT for a manifest that is not the set's. */
export async function readManifest(folder: string, id: string): Promise<TrainingSetManifest | undefined> {
  let text: string;
  try {
    text = await readFile(join(folder, MANIFEST), 'utf8');
  } catch (error) {
    if (isAbsent(error)) return undefined;
    throw error;
  }
  const manifest = parsed(text);
  if (manifest === undefined || manifest.id !== id) {
    throw new TidemarkError(
      'STORE_CORRUPT',
      `Cannot read the manifest of training set ${id} at ${folder}: it is not the one that was written there. Remove the folder to make the set again.`,
    );
  }
  // One of before there were recipes cannot be made again from its manifest: it counts as not there.
  if (manifest.recipe === undefined || manifest.contents?.layout === undefined) return undefined;
  return manifest as TrainingSetManifest;
}

/** Whether all files of a set are where the manifest says. */
export async function dataIsThere(folder: string, { data }: TrainingSetManifest): Promise<boolean> {
  for (const { path } of allFiles(data)) if (!(await isThere(join(folder, path)))) return false;
  return true;
}

/** What a set consists of on disk, but for its manifest. */
export function allFiles({
  files,
  spine,
}: TrainingSetManifest['data']): TrainingSetManifest['data']['files'] {
  return spine === null ? files : [...files, spine];
}

export async function writeManifest(folder: string, manifest: TrainingSetManifest): Promise<void> {
  await writeWhole(join(folder, MANIFEST), `${JSON.stringify(manifest, null, 2)}\n`);
}

/** Under another name first: a reader sees all of it or nothing. */
export async function writeWhole(path: string, text: string): Promise<void> {
  const unfinished = `${path}.${randomUUID()}.unfinished`;
  try {
    await writeFile(unfinished, text);
    await rename(unfinished, path);
  } finally {
    await rm(unfinished, { force: true });
  }
}

/** What lies in a set's folder, also of builds that have not ended, or never will. */
export async function filesIn(folder: string): Promise<readonly string[]> {
  try {
    return await readdir(folder);
  } catch (error) {
    if (isAbsent(error)) return [];
    throw error;
  }
}

export interface ListedSets {
  /** Newest first. */
  readonly sets: readonly TrainingSetManifest[];
  /** STORE_CORRUPT of each manifest that is not its set's. */
  readonly unreadable: readonly TidemarkError[];
}

/** The manifests of a project's sets. Folders that are not whole are left out. */
export async function listTrainingSets(offlineRoot: string, project: string): Promise<ListedSets> {
  const sets: TrainingSetManifest[] = [];
  const unreadable: TidemarkError[] = [];
  for (const id of await setIds(offlineRoot, project)) {
    try {
      const manifest = await readManifest(trainingSetFolder(offlineRoot, project, id), id);
      if (manifest !== undefined) sets.push(manifest);
    } catch (error) {
      if (!(error instanceof TidemarkError)) throw error;
      unreadable.push(error);
    }
  }
  const newestFirst = sets.toSorted((a, b) =>
    a.createdAt < b.createdAt ? 1 : a.createdAt > b.createdAt ? -1 : 0,
  );
  return { sets: newestFirst, unreadable };
}

/** The set whose id begins so. REQUEST_INVALID when there is none, or more than one. */
export async function findTrainingSet(
  offlineRoot: string,
  project: string,
  prefix: string,
): Promise<TrainingSetManifest> {
  const found: TrainingSetManifest[] = [];
  if (prefix !== '') {
    for (const id of await setIds(offlineRoot, project)) {
      if (!id.startsWith(prefix.toLowerCase())) continue;
      const manifest = await readManifest(trainingSetFolder(offlineRoot, project, id), id);
      if (manifest !== undefined) found.push(manifest);
    }
  }
  const [only] = found;
  if (only !== undefined && found.length === 1) return only;
  throw new TidemarkError(
    'REQUEST_INVALID',
    only === undefined
      ? `Cannot find training set "${prefix}": no set of project "${project}" has an id that begins so. tidemark dataset list shows them.`
      : `Cannot tell which training set "${prefix}" is: ${found.length} ids begin so, ${found.map(({ id }) => id.slice(0, prefix.length + 6)).join(', ')}. Give more of it.`,
  );
}

async function setIds(offlineRoot: string, project: string): Promise<readonly string[]> {
  try {
    const names = await readdir(join(offlineRoot, project, 'training-sets'));
    return names.filter((name) => /^[0-9a-f]{64}$/.test(name)).toSorted();
  } catch (error) {
    if (isAbsent(error)) return [];
    throw error;
  }
}

/** SHA-256 of a file; undefined when there is none. */
export async function digestOfFile(path: string): Promise<string | undefined> {
  const hash = createHash('sha256');
  try {
    for await (const chunk of createReadStream(path)) hash.update(chunk);
  } catch (error) {
    if (isAbsent(error)) return undefined;
    throw error;
  }
  return hash.digest('hex');
}

export async function isThere(path: string): Promise<boolean> {
  try {
    await stat(path);
    return true;
  } catch (error) {
    if (isAbsent(error)) return false;
    throw error;
  }
}

function isAbsent(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'ENOENT';
}

/** Written by `writeManifest` as one; what else it may be is told by its id. */
function parsed(text: string): Partial<TrainingSetManifest> | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null ? value : undefined;
  } catch {
    return undefined;
  }
}
