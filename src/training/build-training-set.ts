import { join } from 'node:path';
import { formatTime, timeOf } from '../core/time.ts';
import { profileOf } from './diff-training-sets.ts';
import { isProfileKept, keepProfile } from './kept-profile.ts';
import { leaveNothing } from './leave-nothing.ts';
import { labelText, nullSharesOf, partsOf, type TrainingSetManifest } from './manifest.ts';
import { planTrainingSet } from './plan-training-set.ts';
import { statisticsPage } from './statistics-page.ts';
import type {
  LabelSummary,
  TrainingDeps,
  TrainingOptions,
  TrainingSet,
  TrainingSetRequest,
} from './training-set.ts';
import {
  dataIsThere,
  isThere,
  readManifest,
  trainingSetFolder,
  writeManifest,
  writeWhole,
} from './training-set-folder.ts';
import { writeData } from './write-data.ts';

/**
 * Makes the training set of a request, or finds it made: the same request on the same data is the same set.
 *
 * The data is moved to its place before the manifest is, and each as a whole; a set without a manifest is made
 * again. Two builds of one set at a time write the same bytes.
 */
export async function buildTrainingSet(
  request: TrainingSetRequest,
  deps: TrainingDeps,
  options: TrainingOptions = {},
): Promise<TrainingSet> {
  options.onProgress?.({ phase: 'planning', share: 0 });
  const plan = await planTrainingSet(request, deps);
  const folder = trainingSetFolder(deps.offlineRoot, request.project, plan.id);
  const there = await readManifest(folder, plan.id);
  if (there !== undefined && (await dataIsThere(folder, there))) {
    await recordConsumer(there, request, deps);
    return { ...setOf(folder, there, true), ...(await withStatistics(there, request, deps, options)) };
  }

  const manifest = await leaveNothing(
    folder,
    async (): Promise<TrainingSetManifest> => {
      const data = await writeData(plan, folder, deps, {
        ...options,
        ...(isProfileKept(plan.contents.layout, request)
          ? { onJoined: (joined) => keepProfile(folder, { joined, signal: options.signal }, deps) }
          : {}),
      });
      const { id, contents, recipe, forgotten } = plan;
      const told = forgotten.length === 0 ? data : { ...data, forgotten };
      const made = { id, contents, recipe, data: told, createdAt: formatTime(deps.clock()) };
      await writeManifest(folder, made);
      return made;
    },
    options.signal,
  );
  await recordConsumer(manifest, request, deps);
  return { ...setOf(folder, manifest, false), ...(await withStatistics(manifest, request, deps, options)) };
}

/**
 * After the manifest: should the process end in between, the next request for the set records it. A set that was
 * there already, asked for otherwise, is from now on the service's too.
 */
async function recordConsumer(
  { id, contents: { project, views, onDemand, knownAt }, data, createdAt }: TrainingSetManifest,
  { features }: TrainingSetRequest,
  { registry }: Pick<TrainingDeps, 'registry'>,
): Promise<void> {
  if (features.kind === 'service') {
    const { service } = features;
    await registry.addServiceSet({
      project,
      service,
      id,
      rows: data.rows,
      knownAt,
      createdAt: timeOf(createdAt),
    });
  }
  await registry.addTrainingSet(
    id,
    [...views, ...onDemand].map(({ view, version }) => ({ project, view, version })),
  );
}

/** Writes the page where it is asked for and not there yet; it can be made again at any time. */
async function withStatistics(
  manifest: TrainingSetManifest,
  { statistics = false }: TrainingSetRequest,
  deps: Pick<TrainingDeps, 'profiler' | 'offlineRoot'>,
  { signal, onProgress }: TrainingOptions,
): Promise<{ readonly statistics?: string }> {
  if (!statistics) return {};
  const path = join(
    trainingSetFolder(deps.offlineRoot, manifest.contents.project, manifest.id),
    'statistics.html',
  );
  if (!(await isThere(path))) {
    onProgress?.({ phase: 'statistics', share: 1 });
    await writeWhole(path, statisticsPage(manifest, await profileOf(manifest, deps, signal)));
  }
  return { statistics: path };
}

function setOf(folder: string, manifest: TrainingSetManifest, reused: boolean): TrainingSet {
  const { files } = manifest.data;
  const [only] = files;
  const parts = partsOf(manifest);
  const label = labelOf(manifest);
  return {
    id: manifest.id,
    path: files.length === 1 && only !== undefined ? join(folder, only.path) : folder,
    manifest,
    rows: manifest.data.rows,
    ...(parts === undefined ? {} : { parts }),
    nullShares: nullSharesOf(manifest),
    ...(label === undefined ? {} : { label }),
    possibleLeakage: manifest.data.possibleLeakage ?? [],
    forgotten: manifest.data.forgotten ?? [],
    reused,
  };
}

function labelOf({ contents: { label }, data }: TrainingSetManifest): LabelSummary | undefined {
  if (label === undefined) return undefined;
  const nulls = data.nulls[label.name] ?? 0;
  return {
    column: label.name,
    text: labelText(label),
    leftOut: data.leftOut ?? 0,
    nullShare: label.kind === 'column' || data.rows === 0 ? null : nulls / data.rows,
  };
}
