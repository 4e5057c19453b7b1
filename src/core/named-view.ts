import { TidemarkError } from './errors.ts';
import type { FeatureViewSpec } from './feature-view.ts';
import { findView, type Manifest, versionsOf } from './manifest.ts';
import { didYouMean } from './nearest.ts';

export interface ViewDirectory {
  readonly manifest: Manifest;
  /** The version an unpinned name means, by view. */
  readonly servingVersions: ReadonlyMap<string, number>;
}

/** The view that `view` (at the version that is served) or `view@v2` names. UNKNOWN_VIEW says what there is. */
export function namedView(text: string, { manifest, servingVersions }: ViewDirectory): FeatureViewSpec {
  const [, name = text, pinned] = /^(.*)@v([1-9]\d{0,6})$/.exec(text) ?? [];
  const versions = versionsOf(manifest, name);
  const version = pinned === undefined ? (servingVersions.get(name) ?? versions[0]) : Number(pinned);
  const view = version === undefined ? undefined : findView(manifest, name, version);
  if (view !== undefined) return view;
  const there =
    versions.length === 0
      ? didYouMean(name, new Set(manifest.views.map((one) => one.name)))
      : ` The registry has version${versions.length === 1 ? '' : 's'} ${versions.join(' and ')}.`;
  throw new TidemarkError(
    'UNKNOWN_VIEW',
    `Cannot find view "${text}" in project "${manifest.project}".${there}`,
  );
}
