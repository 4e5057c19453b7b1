import type { BatchViewSpec, ViewVersion } from '../core/feature-view.ts';
import { type Interval, intersect } from '../core/interval.ts';
import { formatTime, type Micros } from '../core/time.ts';
import type { Ledger } from '../ledger/ledger.ts';
import { watermarkOf } from '../ledger/watermark.ts';
import { firstTick } from '../materialize/due-range.ts';
import type { FeatureComputer, FeatureProfile } from '../offline/feature-computer.ts';
import { compareProfiles, type VersionComparison } from './compare-profiles.ts';

export interface CompareDeps {
  readonly ledger: Ledger;
  readonly computer: FeatureComputer;
}

/** Compares two versions over the time that both have completed; without any, there is nothing to compare. */
export async function compareVersions(
  project: string,
  from: BatchViewSpec,
  to: BatchViewSpec,
  deps: CompareDeps,
  signal?: AbortSignal,
): Promise<VersionComparison> {
  const [before, now] = await Promise.all([completed(project, from, deps), completed(project, to, deps)]);
  const common = before === undefined || now === undefined ? undefined : intersect(before, now);
  if (common === undefined) {
    const comparison = compareProfiles(null, NOTHING, NOTHING);
    return { ...comparison, concerns: ['the two versions have no completed time in common'] };
  }
  const [old, next] = [
    await profileOf(project, from, common, deps, signal),
    await profileOf(project, to, common, deps, signal),
  ];
  const comparison = compareProfiles(
    { start: formatTime(common.start), end: formatTime(common.end) },
    old,
    next,
  );
  const behind = completionConcern(before, now);
  return behind === undefined ? comparison : { ...comparison, concerns: [behind, ...comparison.concerns] };
}

/** The new version may lack intervals that rules hold, or that failed: cutting over would make values older. */
function completionConcern(before: Interval | undefined, now: Interval | undefined): string | undefined {
  if (before === undefined || now === undefined || now.end >= before.end) return undefined;
  return `complete up to ${formatTime(before.end)} before, only up to ${formatTime(now.end)} now`;
}

const NOTHING: FeatureProfile = { rows: 0, entities: 0, features: [] };

function versionOf(project: string, view: BatchViewSpec): ViewVersion {
  return { project, view: view.name, version: view.version };
}

async function completed(
  project: string,
  view: BatchViewSpec,
  { ledger }: CompareDeps,
): Promise<Interval | undefined> {
  const start: Micros = firstTick(view);
  const end = watermarkOf(start, await ledger.coverage(versionOf(project, view)));
  return start < end ? { start, end } : undefined;
}

async function profileOf(
  project: string,
  view: BatchViewSpec,
  range: Interval,
  { ledger, computer }: CompareDeps,
  signal?: AbortSignal,
): Promise<FeatureProfile> {
  const files = await ledger.files(versionOf(project, view), range);
  const slices = files.flatMap((file) => {
    const part = intersect(file.range, range);
    return part === undefined ? [] : [{ path: file.path, range: part }];
  });
  if (slices.length > 0) return await computer.profile(view, slices, signal);
  return {
    ...NOTHING,
    features: view.features.map(({ name }) => ({
      feature: name,
      nulls: 0,
      min: null,
      max: null,
      mean: null,
    })),
  };
}
