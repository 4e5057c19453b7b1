import type { VersionComparison } from '../src/migrate/compare-profiles.ts';
import { compareVersions } from '../src/migrate/compare-versions.ts';
import { type Retired, retireVersion } from '../src/migrate/retire-version.ts';
import type { MigrateInput, ViewTarget } from '../src/orchestrate/contracts.ts';
import { appliedBatchView } from '../src/registry/applied-manifest.ts';
import type { ActivityDeps } from './activity-deps.ts';
import { runActivity } from './run-activity.ts';

export function createMigrateActivities(deps: ActivityDeps) {
  return {
    /** Row counts, null shares and means of the two versions over their common time. */
    compareVersions: ({ project, view, from, to }: MigrateInput): Promise<VersionComparison> =>
      runActivity(async ({ signal }) => {
        const [before, now] = await Promise.all([
          appliedBatchView(deps.registry, { project, view, version: from }),
          appliedBatchView(deps.registry, { project, view, version: to }),
        ]);
        return await compareVersions(project, before, now, deps, signal);
      }),

    /** Moves what unpinned references read. */
    moveServingVersion: (input: ViewTarget & { readonly by: string }): Promise<void> =>
      runActivity(async () => {
        const { project, view, version, by } = input;
        await appliedBatchView(deps.registry, input);
        await deps.registry.setServingVersion({ project, view, version }, by);
      }),

    /** Ends a version's schedule and drops its online rows. */
    retireVersion: (input: ViewTarget): Promise<Retired> =>
      runActivity(async () => {
        const view = await appliedBatchView(deps.registry, input);
        return await retireVersion(input.project, view, deps);
      }),
  };
}
