import { randomUUID } from 'node:crypto';
import { readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { TidemarkError } from '../core/errors.ts';
import { formatTime } from '../core/time.ts';
import { nullSharesOf, type TrainingSetManifest } from './manifest.ts';
import { planTrainingSet } from './plan-training-set.ts';
import type { TrainingDeps, TrainingOptions, TrainingSet, TrainingSetRequest } from './training-set.ts';

const DATA = 'data.parquet';
const MANIFEST = 'manifest.json';

/**
 * Makes the training set of a request, or finds it made: the same request on the same data is the same set.
 *
 * The data is moved to its place before the manifest is, and each as a whole; a set without a manifest is made
 * again. Two builds of one set at a time write the same bytes.
 */
export async function buildTrainingSet(
  request: TrainingSetRequest,
  deps: TrainingDeps,
  { signal, onProgress }: TrainingOptions = {},
): Promise<TrainingSet> {
  onProgress?.({ phase: 'planning', share: 0 });
  const plan = await planTrainingSet(request, deps);
  const folder = trainingSetFolder(deps.offlineRoot, request.project, plan.id);
  const path = join(folder, DATA);
  const there = await readManifest(folder, plan.id);
  if (there !== undefined) return setOf(path, there, true);

  const { rows, bytes, digest, nulls } = await deps.asOf.join({
    ...plan.join,
    path,
    ...(signal === undefined ? {} : { signal }),
    ...(onProgress === undefined ? {} : { onProgress }),
  });
  const manifest: TrainingSetManifest = {
    id: plan.id,
    contents: plan.contents,
    data: { path: DATA, rows, bytes, digest, nulls },
    createdAt: formatTime(deps.clock()),
  };
  await writeWhole(join(folder, MANIFEST), `${JSON.stringify(manifest, null, 2)}\n`);
  return setOf(path, manifest, false);
}

export function trainingSetFolder(offlineRoot: string, project: string, id: string): string {
  return join(offlineRoot, project, 'training-sets', id);
}

/** Undefined when the set is not there as a whole. */
async function readManifest(folder: string, id: string): Promise<TrainingSetManifest | undefined> {
  let text: string;
  try {
    text = await readFile(join(folder, MANIFEST), 'utf8');
    await stat(join(folder, DATA));
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined;
    throw error;
  }
  try {
    // Written by `buildTrainingSet` as one; the id says that it is this one.
    const manifest = JSON.parse(text) as TrainingSetManifest;
    if (manifest.id === id) return manifest;
  } catch {
    // Not JSON: said below.
  }
  throw new TidemarkError(
    'STORE_CORRUPT',
    `Cannot read the manifest of training set ${id} at ${folder}: it is not the one that was written there. Remove the folder to make the set again.`,
  );
}

function setOf(path: string, manifest: TrainingSetManifest, reused: boolean): TrainingSet {
  return {
    id: manifest.id,
    path,
    manifest,
    rows: manifest.data.rows,
    nullShares: nullSharesOf(manifest),
    reused,
  };
}

async function writeWhole(path: string, text: string): Promise<void> {
  const unfinished = `${path}.${randomUUID()}.unfinished`;
  try {
    await writeFile(unfinished, text);
    await rename(unfinished, path);
  } finally {
    await rm(unfinished, { force: true });
  }
}
