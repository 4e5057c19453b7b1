import { TidemarkError } from '../core/errors.ts';
import { type BatchViewSpec, formatViewVersion, type ViewVersion } from '../core/feature-view.ts';
import { findView, type Manifest, versionsOf } from '../core/manifest.ts';

import type { Registry } from './registry.ts';

/** The applied manifest of a project; UNKNOWN_PROJECT before its first apply. */
export async function appliedManifest(registry: Pick<Registry, 'load'>, project: string): Promise<Manifest> {
  const applied = await registry.load(project);
  if (applied === undefined) {
    throw new TidemarkError(
      'UNKNOWN_PROJECT',
      `Cannot find project "${project}": nothing has been applied under that name. Run tidemark apply.`,
    );
  }
  return applied.manifest;
}

/** A batch view as it was applied. */
export async function appliedBatchView(
  registry: Registry,
  { project, view, version }: ViewVersion,
): Promise<BatchViewSpec> {
  const manifest = await appliedManifest(registry, project);
  const found = findView(manifest, view, version);
  if (found === undefined) {
    const versions = versionsOf(manifest, view);
    const known = versions.length === 0 ? 'no view of that name' : `versions ${versions.join(', ')}`;
    throw new TidemarkError(
      'UNKNOWN_VIEW',
      `Cannot find view "${view}" at version ${version} in project "${project}": the registry has ${known}.`,
    );
  }
  if (found.kind !== 'batch_view') {
    throw new TidemarkError(
      'UNKNOWN_VIEW',
      `Cannot materialize ${formatViewVersion({ view, version })}: it is an on-demand view, which is computed when it is read.`,
    );
  }
  return found;
}
