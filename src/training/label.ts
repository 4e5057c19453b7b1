import { TidemarkError } from '../core/errors.ts';
import { expandSelection } from '../core/expand-selection.ts';
import { formatFeatureReference } from '../core/feature-service.ts';
import { type BatchViewSpec, type FeatureSpec, formatViewVersion } from '../core/feature-view.ts';
import type { Manifest } from '../core/manifest.ts';
import { didYouMean } from '../core/nearest.ts';
import { joinKeysOf, type ResolvedFeatures } from '../core/resolve-features.ts';
import { type DurationMicros, durationOf, formatDuration, parseDuration } from '../core/time.ts';
import type { SpineDescription } from '../offline/as-of-engine.ts';

/** What a model is to predict, as a person asks for it. */
export type LabelRequest =
  /** A column of the entity rows. */
  | { readonly column: string }
  /**
   * A feature of a batch view, looked up forward in time: its newest value with t < event time ≤ t + horizon, which is
   * what was true at the end of the horizon. Without a version, the serving one.
   */
  | {
      readonly view: string;
      readonly feature: string;
      readonly version?: number;
      /** `24h` */
      readonly horizon: string;
    };

export type ResolvedLabel =
  | { readonly kind: 'column'; readonly name: string }
  | ({ readonly kind: 'view' } & ViewLabel);

export interface ViewLabel {
  readonly view: BatchViewSpec;
  readonly feature: FeatureSpec;
  /** The column: the feature's name, or `label__view__feature` with full names. */
  readonly name: string;
  readonly horizon: DurationMicros;
}

export interface LabelOptions {
  readonly servingVersions: ReadonlyMap<string, number>;
  readonly fullNames: boolean;
}

/** UNKNOWN_VIEW and UNKNOWN_FEATURE as for features, REQUEST_INVALID for what cannot be a label. */
export function resolveLabel(
  request: LabelRequest,
  manifest: Manifest,
  { servingVersions, fullNames }: LabelOptions,
): ResolvedLabel {
  if ('column' in request) return { kind: 'column', name: request.column };
  const text = formatFeatureReference({ ...request, version: request.version ?? null });
  const horizon = parseDuration(request.horizon);
  if (horizon === undefined || horizon === 0n) {
    throw refused(text, `its horizon "${request.horizon}" is not a duration such as 24h or 7d`);
  }
  const [found, ...more] = expandSelection(
    manifest,
    { kind: 'references', references: [text] },
    servingVersions,
  );
  if (found === undefined || more.length > 0) throw refused(text, 'a label is one feature, as view:feature');
  const { view, feature } = found;
  if (view.kind !== 'batch_view') {
    throw refused(text, `view "${view.name}" is computed on demand and has no values of later times`);
  }
  const name = fullNames ? `label__${view.name}__${feature.name}` : feature.name;
  return { kind: 'view', view, feature, name, horizon };
}

/** What the label's column may not be called: the same rules as for features. */
export function refuseLabelCollision(label: ViewLabel, resolved: ResolvedFeatures): void {
  const { name, view, feature } = label;
  const taken = [
    ...joinKeysOf(resolved).map((key) => ({ name: key.name, what: `the join key "${key.name}"` })),
    ...resolved.outputs.map((output) => ({
      name: output.name,
      what: `feature "${output.feature.name}" of ${formatViewVersion(output)}`,
    })),
  ];
  const other = taken.find((one) => one.name.toLowerCase() === name.toLowerCase());
  if (other === undefined) return;
  throw new TidemarkError(
    'REQUEST_INVALID',
    `Cannot name two outputs "${name}": ${other.what} and the label, feature "${feature.name}" of ` +
      `${formatViewVersion({ view: view.name, version: view.version })}, would both have that name; ask for full names.`,
  );
}

/** The entity rows must have a label's column, and it cannot be that of their times. */
export function checkLabelColumn(name: string, { columns }: SpineDescription, timestampField: string): void {
  const names = columns.map((column) => column.name);
  if (!names.includes(name)) {
    throw refused(
      name,
      `the entity rows have no such column, but ${names.map((one) => `"${one}"`).join(', ')}; a feature is written view:feature`,
      didYouMean(name, names),
    );
  }
  if (name === timestampField) throw refused(name, 'it is the column of entity row times');
}

/** Exactly, unlike what people are shown: a duration has one text in a set's name. */
export function horizonText(horizon: DurationMicros): string {
  const text = formatDuration(horizon);
  return durationOf(text) === horizon ? text : `${horizon}us`;
}

function refused(label: string, reason: string, hint = ''): TidemarkError {
  return new TidemarkError('REQUEST_INVALID', `Cannot take "${label}" as the label: ${reason}.${hint}`);
}
