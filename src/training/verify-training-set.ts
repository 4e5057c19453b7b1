import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { digestOf } from '../core/canonical.ts';
import { formatViewVersion } from '../core/feature-view.ts';
import { durationOf, timeOf } from '../core/time.ts';
import type { AsOfView } from '../offline/as-of-engine.ts';
import type { RevisedSlice } from '../offline/feature-reader.ts';
import type { ArrangedFile } from '../offline/table-arranger.ts';
import { onDemandColumns } from './compute-on-demand.ts';
import { type SliceRecord, type TrainingSetManifest, trainingSetId } from './manifest.ts';
import { parseKnownAt, type TrainingSetPlan } from './plan-training-set.ts';
import { columnOf } from './read-views.ts';
import type { TrainingDeps, TrainingOptions } from './training-set.ts';
import { allFiles, digestOfFile, trainingSetFolder } from './training-set-folder.ts';
import { writeData } from './write-data.ts';

export interface Verification {
  readonly id: string;
  /**
   * `unverifiable`: something it was made of is missing or was changed, so that it cannot be made again; so is one of
   * another engine than this, when this one writes other bytes.
   */
  readonly verdict: 'same' | 'different' | 'unverifiable';
  /** What is missing, or differs; empty when all is the same. */
  readonly problems: readonly string[];
  readonly files: readonly {
    readonly path: string;
    readonly recorded: string;
    /** Null when it was not made again. */
    readonly rebuilt: string | null;
  }[];
}

/**
 * Makes a set again from what its manifest says it was made of (the offline files of then, not those of now; the
 * entity rows as they stand in the set) and holds the bytes against those recorded.
 */
export async function verifyTrainingSet(
  manifest: TrainingSetManifest,
  deps: Pick<TrainingDeps, 'asOf' | 'arranger' | 'onDemand' | 'offlineRoot'>,
  options: TrainingOptions = {},
): Promise<Verification> {
  const files = allFiles(manifest.data);
  const result = (
    verdict: Verification['verdict'],
    problems: readonly string[],
    rebuilt: readonly ArrangedFile[],
  ) => ({
    id: manifest.id,
    verdict,
    problems,
    files: files.map(({ path, digest }) => ({
      path,
      recorded: digest,
      rebuilt: rebuilt.find((file) => file.path === path)?.digest ?? null,
    })),
  });
  const changed = await changedData(manifest, deps.offlineRoot);
  if (changed.length > 0) return result('different', changed, []);
  const missing = await missingInputs(manifest, deps);
  if (missing.length > 0) return result('unverifiable', missing, []);

  const folder = await mkdtemp(join(tmpdir(), 'tidemark-verify-'));
  try {
    const rebuilt = allFiles(await writeData(planOf(manifest, deps), folder, deps, options));
    const problems = files.flatMap(({ path, digest }) => {
      const again = rebuilt.find((file) => file.path === path)?.digest;
      return again === digest ? [] : [`${path}: ${again ?? 'no such file'} when made again, not ${digest}`];
    });
    for (const { path } of rebuilt) {
      if (!files.some((file) => file.path === path)) problems.push(`${path}: made again, but not in the set`);
    }
    if (problems.length === 0) return result('same', [], rebuilt);
    const { engine } = manifest.contents;
    if (engine === deps.asOf.version) return result('different', problems, rebuilt);
    const reason = `its files are as they were written, but by another engine, ${engine}: this one, ${deps.asOf.version}, writes other bytes, most likely of the same rows`;
    return result('unverifiable', [reason, ...problems], rebuilt);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** What is not as it was written: the manifest's contents against its id, the files against their digests. */
async function changedData(
  { id, contents, data }: TrainingSetManifest,
  offlineRoot: string,
): Promise<readonly string[]> {
  const problems =
    trainingSetId(contents) === id ? [] : ['manifest.json: its contents are not those of its id'];
  const folder = trainingSetFolder(offlineRoot, contents.project, id);
  for (const { path, digest } of allFiles(data)) {
    const found = await digestOfFile(join(folder, path));
    if (found === undefined) problems.push(`${path}: it is not there any more`);
    else if (found !== digest)
      problems.push(`${path}: its bytes are not those that were written (${found}, not ${digest})`);
  }
  return problems;
}

async function missingInputs(
  { contents }: TrainingSetManifest,
  { offlineRoot, onDemand }: Pick<TrainingDeps, 'offlineRoot' | 'onDemand'>,
): Promise<readonly string[]> {
  const problems: string[] = [];
  const digests = new Map<string, string>();
  for (const record of contents.views) {
    for (const { path, digest, start, end } of [...record.slices, ...(record.replaced ?? [])]) {
      const found = digests.get(path) ?? (await digestOfFile(join(offlineRoot, path)));
      if (found !== undefined) digests.set(path, found);
      if (found === digest) continue;
      const what = `${path}, which ${formatViewVersion(record)} was read from for ${start} to ${end}`;
      problems.push(found === undefined ? `${what}, is not there any more` : `${what}, has other bytes now`);
    }
  }
  for (const record of contents.onDemand) {
    const transform = onDemand.get(formatViewVersion(record));
    const what = `the function of ${formatViewVersion(record)}`;
    if (transform === undefined) problems.push(`${what} is not in this feature repository`);
    else if (digestOf(String(transform)) !== record.code) problems.push(`${what} has another text now`);
  }
  return problems;
}

/** The plan a set was built by. */
function planOf(
  { id, contents, recipe, data }: TrainingSetManifest,
  { onDemand, offlineRoot }: Pick<TrainingDeps, 'onDemand' | 'offlineRoot'>,
): Pick<TrainingSetPlan, 'contents' | 'recipe' | 'join'> {
  const folder = trainingSetFolder(offlineRoot, contents.project, id);
  const { label } = contents;
  return {
    contents,
    recipe,
    join: {
      spine: {
        kind: 'written',
        paths: (data.spine === null ? data.files : [data.spine]).map(({ path }) => join(folder, path)),
        columns: recipe.spineColumns,
        timestampField: contents.spine.timestampField,
      },
      views: contents.views.map((record, index): AsOfView => {
        const { joinKeys = [], features = [] } = recipe.parts[index] ?? {};
        return {
          view: record.view,
          version: record.version,
          joinKeys,
          spineColumns: joinKeys.map(({ name }) => record.keys[name] ?? name),
          features: features.map((feature, at) => ({
            feature,
            output:
              record.horizon === undefined || label === undefined ? columnOf(recipe, index, at) : label.name,
          })),
          ttl: record.ttl === null ? null : durationOf(record.ttl),
          dataDelay: durationOf(record.dataDelay),
          ...(record.horizon === undefined ? {} : { horizon: durationOf(record.horizon) }),
          ...(record.validity === undefined ? {} : { validity: record.validity }),
          slices: record.slices.map(sliceOf),
          ...(record.replaced === undefined ? {} : { replaced: record.replaced.map(sliceOf) }),
        };
      }),
      knownAt: parseKnownAt(contents.knownAt),
      computed: onDemandColumns(recipe, onDemand),
      outputs: [...contents.outputs.map(({ name }) => name), ...(label?.kind === 'view' ? [label.name] : [])],
    },
  };
}

function sliceOf({ path, revision, start, end }: SliceRecord): RevisedSlice {
  return { path, revision, range: { start: timeOf(start), end: timeOf(end) } };
}
