import { type BatchViewSpec, formatViewVersion } from '../core/feature-view.ts';
import { batchViews } from '../core/manifest.ts';
import type { Micros } from '../core/time.ts';
import type { Coverage, Ledger } from '../ledger/ledger.ts';
import { appliedManifest } from '../registry/applied-manifest.ts';
import type { Registry } from '../registry/registry.ts';
import type { StreamProgress } from './stream-progress.ts';

/** One version of a batch view, and how far it has come. */
export interface ViewCoverage {
  readonly view: BatchViewSpec;
  readonly coverage: Coverage;
  /** Whether unpinned references read this version. */
  readonly serving: boolean;
  /** Of a stream view: the newest event time it has taken in; null before the first. */
  readonly newestEvent?: Micros | null;
}

export interface ReadViewsDeps {
  readonly registry: Registry;
  readonly ledger: Ledger;
  readonly streams: Pick<StreamProgress, 'newest'>;
}

/** All versions of the batch views applied; UNKNOWN_PROJECT before the first apply. */
export async function readViews(
  project: string,
  { registry, ledger, streams }: ReadViewsDeps,
): Promise<readonly ViewCoverage[]> {
  const manifest = await appliedManifest(registry, project);
  const serving = await registry.servingVersions(project);
  const newest = await streams.newest(project);
  const read: ViewCoverage[] = [];
  // One after the other: the workers who share the pool have work to commit.
  for (const view of batchViews(manifest)) {
    const coverage = await ledger.coverage({ project, view: view.name, version: view.version });
    const common = { view, coverage, serving: serving.get(view.name) === view.version };
    const id = formatViewVersion({ view: view.name, version: view.version });
    read.push(view.stream === true ? { ...common, newestEvent: newest.get(id) ?? null } : common);
  }
  return read;
}
