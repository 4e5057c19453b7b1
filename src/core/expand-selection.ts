import { type ErrorCode, TidemarkError } from './errors.ts';
import type { FeatureSelection } from './feature-selection.ts';
import { parseFeatureReference } from './feature-service.ts';
import type { FeatureSpec, FeatureViewSpec } from './feature-view.ts';
import { findView, type Manifest, versionsOf } from './manifest.ts';
import { didYouMean } from './nearest.ts';

export interface SelectedFeature {
  readonly view: FeatureViewSpec;
  readonly feature: FeatureSpec;
}

/** More problems than this are not looked for: a request may name thousands. */
const LISTED = 20;

/** Every selected feature of every view version once, in the order of the selection. All problems at once. */
export function expandSelection(
  manifest: Manifest,
  selection: FeatureSelection,
  servingVersions: ReadonlyMap<string, number>,
): readonly SelectedFeature[] {
  const found: SelectedFeature[] = [];
  const problems: TidemarkError[] = [];
  const asked =
    selection.kind === 'references'
      ? referencesOf(selection.references, manifest, servingVersions)
      : membersOf(selection.service, manifest);
  for (const one of asked) {
    const expanded = one instanceof TidemarkError ? one : expand(manifest, one);
    if (expanded instanceof TidemarkError) problems.push(expanded);
    else found.push(...expanded);
    if (problems.length === LISTED) break;
  }
  const [first, ...more] = problems;
  if (first !== undefined) {
    if (more.length === 0) throw first;
    throw new TidemarkError(first.code, problems.map(({ message }) => message).join('\n'), {
      problems: problems.map(({ message }) => ({ where: 'features', message })),
    });
  }
  const seen = new Set<string>();
  return found.filter(({ view, feature }) => {
    const id = `${view.name}@v${view.version}:${feature.name}`;
    return !seen.has(id) && seen.add(id);
  });
}

interface Asked {
  readonly text: string;
  readonly view: string;
  readonly version: number;
  /** Null: all. */
  readonly features: readonly string[] | null;
}

function* referencesOf(
  references: readonly string[],
  manifest: Manifest,
  servingVersions: ReadonlyMap<string, number>,
): Generator<Asked | TidemarkError> {
  if (references.length === 0) yield problem('REQUEST_INVALID', 'No feature is asked for.');
  for (const text of references) yield referenceOf(text, manifest, servingVersions);
}

function referenceOf(
  text: string,
  manifest: Manifest,
  servingVersions: ReadonlyMap<string, number>,
): Asked | TidemarkError {
  const reference = parseFeatureReference(text);
  if (reference === undefined) {
    return problem(
      'REQUEST_INVALID',
      `Cannot read "${cut(text)}" as a feature reference: write view:feature, view@v2:feature or view:*.`,
    );
  }
  const { view, feature } = reference;
  const versions = versionsOf(manifest, view);
  const version = reference.version ?? servingVersions.get(view) ?? versions[0];
  if (version === undefined) {
    const names = new Set(manifest.views.map(({ name }) => name));
    return problem(
      'UNKNOWN_VIEW',
      `Cannot find view "${cut(view)}" of "${cut(text)}" in project "${manifest.project}".${didYouMean(view, names)}`,
    );
  }
  return { text, view, version, features: feature === null ? null : [feature] };
}

function membersOf(service: string, manifest: Manifest): readonly (Asked | TidemarkError)[] {
  const spec = manifest.services.find(({ name }) => name === service);
  if (spec === undefined) {
    const names = manifest.services.map(({ name }) => name);
    return [
      problem(
        'UNKNOWN_FEATURE',
        `Cannot find feature service "${service}" in project "${manifest.project}".${didYouMean(service, names)}`,
      ),
    ];
  }
  return spec.members.map(({ view, version, features }) => ({
    text: `service ${service}`,
    view,
    version,
    features,
  }));
}

function expand(manifest: Manifest, asked: Asked): readonly SelectedFeature[] | TidemarkError {
  const view = findView(manifest, asked.view, asked.version);
  if (view === undefined) {
    const versions = versionsOf(manifest, asked.view);
    const there =
      versions.length === 0
        ? `there is no view of that name.${didYouMean(asked.view, new Set(manifest.views.map(({ name }) => name)))}`
        : `the registry has version${versions.length === 1 ? '' : 's'} ${versions.join(' and ')}.`;
    return problem(
      'UNKNOWN_VIEW',
      `Cannot read view "${asked.view}" at version ${asked.version} (${asked.text}): ${there}`,
    );
  }
  if (asked.features === null) return view.features.map((feature) => ({ view, feature }));
  const selected: SelectedFeature[] = [];
  for (const name of asked.features) {
    const feature = view.features.find((one) => one.name === name);
    if (feature === undefined) {
      const names = view.features.map((one) => one.name);
      const known = didYouMean(name, names) || ` It has ${names.map((one) => `"${one}"`).join(', ')}.`;
      return problem(
        'UNKNOWN_FEATURE',
        `Cannot find feature "${name}" in view "${view.name}" at version ${view.version}.${known}`,
      );
    }
    selected.push({ view, feature });
  }
  return selected;
}

function cut(text: string): string {
  return text.length > 100 ? `${text.slice(0, 100)}…` : text;
}

function problem(code: ErrorCode, message: string): TidemarkError {
  return new TidemarkError(code, message);
}
