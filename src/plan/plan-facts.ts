import type { PlannedBackfill } from './plan.ts';

/** What a plan needs to know of the world beside the two manifests; maps by view version have keys like `orders@v1`. */
export interface PlanFacts {
  /** What of each batch view version is due and not computed yet. */
  readonly backfills: readonly PlannedBackfill[];
  /** Who reads a version that goes away, beside services that change along with it. */
  readonly consumers: ReadonlyMap<string, readonly string[]>;
  /** The version that unpinned references read, by view. */
  readonly servingVersions: ReadonlyMap<string, number>;
  /** The file of each view version, relative to the repository. */
  readonly files: ReadonlyMap<string, string>;
}
