import { messageOf, TidemarkError } from '../core/errors.ts';
import { expandSelection, type FeatureSelection } from '../core/feature-selection.ts';
import { formatFeatureReference } from '../core/feature-service.ts';
import { withInterval } from '../core/interval-query.ts';
import type { Manifest } from '../core/manifest.ts';
import { joinKeysOf, type ResolvedFeatures, resolveFeatures } from '../core/resolve-features.ts';
import type { SourceSpec } from '../core/source.ts';
import { micros } from '../core/time.ts';
import type {
  ScheduledLabel,
  ScheduledSpine,
  TrainingSetScheduleSpec,
} from '../core/training-set-schedule.ts';
import type { ValueType } from '../core/value-type.ts';
import type { ServiceFeature } from '../define/feature-service.ts';
import type {
  LabelInput,
  SpineInput,
  TrainingSetScheduleDefinition,
} from '../define/training-set-schedule.ts';
import type { SourceColumn } from '../offline/source-reader.ts';
import type { LoadedDefinition } from '../repo/load-repo.ts';
import { metadataOf } from './compile-view.ts';
import type { SourceLookup } from './source-lookup.ts';
import { TIME_TYPES } from './type-rules.ts';

type At = LoadedDefinition<TrainingSetScheduleDefinition>;

/** Compiles without looking at anything. */
export function trainingSetScheduleSpec({ config }: TrainingSetScheduleDefinition): TrainingSetScheduleSpec {
  return {
    kind: 'training_set_schedule',
    name: config.name,
    schedule: config.schedule,
    dataDelay: config.dataDelay ?? '0s',
    spine: spineSpec(config.spine),
    features: selectionOf(config),
    ...(config.label === undefined ? {} : { label: labelSpec(config.label) }),
    knownAt: config.knownAt ?? 'any',
    fullNames: config.fullNames ?? false,
    split: config.split ?? null,
    format: config.format ?? 'parquet',
    rowsPerFile: config.rowsPerFile ?? null,
    statistics: config.statistics ?? true,
    paused: config.paused ?? false,
    ...metadataOf(config),
  };
}

/** Holds a schedule against its entity rows as they are now, and against the views of the manifest. */
export async function checkTrainingSetSchedule(
  at: At,
  spec: TrainingSetScheduleSpec,
  manifest: Manifest,
  lookup: SourceLookup,
): Promise<void> {
  const resolved = resolvedFor(at, spec, manifest, lookup);
  if (spec.label !== undefined) checkLabelView(at, spec.label, manifest, lookup);
  if (spec.spine.kind === 'last') {
    if (resolved !== undefined) checkRange(at, resolved, lookup);
    return;
  }
  const columns = await spineColumns(at, spec, manifest.sources, lookup);
  if (columns === undefined) return;
  const { kind, timestampField } = spec.spine;
  const times: readonly ValueType[] =
    kind === 'csv' || kind === 'json' ? [...TIME_TYPES, 'string'] : TIME_TYPES;
  lookup.columnAt(at, 'spine.timestampField', timestampField, columns, THE_SPINE, times);
  if (spec.label !== undefined && 'column' in spec.label) {
    lookup.columnAt(at, 'label.column', spec.label.column, columns, THE_SPINE);
  }
  if (resolved === undefined) return;
  checkLabelName(at, spec, resolved, lookup);
  const needed = new Set([...joinKeysOf(resolved), ...resolved.requestFields].map(({ name }) => name));
  for (const name of needed) lookup.columnAt(at, 'spine', name, columns, THE_SPINE);
  for (const { name, view } of resolved.outputs) {
    if (!columns.some((column) => column.name.toLowerCase() === name.toLowerCase())) continue;
    const message = `found a column "${name}", which is also the name of a feature of view "${view}"; rename it, or set fullNames`;
    lookup.mismatch(at, 'spine', message);
  }
}

const THE_SPINE = 'the spine';

/** What errors call the entity rows: they are looked at as a source is. */
export function spineSourceName(schedule: string): string {
  return `spine of ${schedule}`;
}

function spineSpec(spine: SpineInput): ScheduledSpine {
  const { timestampField } = spine;
  if ('parquet' in spine) return { kind: 'parquet', path: spine.parquet, timestampField };
  if ('csv' in spine) return { kind: 'csv', path: spine.csv, timestampField };
  if ('json' in spine) return { kind: 'json', path: spine.json, timestampField };
  if ('last' in spine) return { kind: 'last', duration: spine.last, timestampField };
  const query = spine.query.trim();
  return spine.urlEnv === undefined
    ? { kind: 'query', query, timestampField }
    : { kind: 'postgres', urlEnv: spine.urlEnv, query, timestampField };
}

function selectionOf(config: TrainingSetScheduleDefinition['config']): FeatureSelection {
  if ('service' in config && config.service !== undefined) {
    return { kind: 'service', service: config.service.config.name };
  }
  const features = 'features' in config ? config.features : [];
  const references = features.flatMap((one) => (typeof one === 'string' ? [one] : referencesTo(one)));
  return { kind: 'references', references: [...new Set(references)] };
}

/** At the version of the definition, whichever serves. */
function referencesTo(one: ServiceFeature): readonly string[] {
  const { name: view, version } = (one.kind === 'view_selection' ? one.view : one).config;
  const features = one.kind === 'view_selection' ? one.features : [null];
  return features.map((feature) => formatFeatureReference({ view, version, feature }));
}

function labelSpec(label: LabelInput): ScheduledLabel {
  if ('column' in label) return label;
  const { view, feature, horizon } = label;
  if (typeof view === 'string') return { view, feature, horizon };
  const { name, version } = view.config;
  return { view: name, version, feature, horizon };
}

/** A label that is looked up is one feature of a batch view. */
function checkLabelView(at: At, label: ScheduledLabel, manifest: Manifest, lookup: SourceLookup): void {
  if ('column' in label) return;
  const reference = formatFeatureReference({ ...label, version: label.version ?? null });
  const selection = { kind: 'references', references: [reference] } as const;
  for (const message of problemsIn(() => {
    const [found] = expandSelection(manifest, selection, new Map());
    if (found?.view.kind === 'batch_view') return;
    throw new TidemarkError(
      'REQUEST_INVALID',
      `found view "${label.view}", which is computed on demand and has no values of later times`,
    );
  })) {
    lookup.invalid(at, 'label', message);
  }
}

/** A label that is looked up is a column under its feature's own name. */
function checkLabelName(
  at: At,
  { label, fullNames }: TrainingSetScheduleSpec,
  { outputs }: ResolvedFeatures,
  lookup: SourceLookup,
): void {
  if (label === undefined || 'column' in label || fullNames) return;
  const other = outputs.find(({ name }) => name.toLowerCase() === label.feature.toLowerCase());
  if (other === undefined) return;
  const message = `found the label "${label.feature}", which is also the name of a feature of view "${other.view}"; set fullNames`;
  lookup.invalid(at, 'label', message);
}

/** The sentences of what goes wrong; none when nothing does. */
function problemsIn(work: () => void): readonly string[] {
  try {
    work();
    return [];
  } catch (error) {
    if (!(error instanceof TidemarkError)) throw error;
    return error.problems.length > 0 ? error.problems.map(({ message }) => message) : [messageOf(error)];
  }
}

/** Undefined when there is no such feature, or two have one name: reported, all at once. */
function resolvedFor(
  at: At,
  { features, fullNames }: TrainingSetScheduleSpec,
  manifest: Manifest,
  lookup: SourceLookup,
): ResolvedFeatures | undefined {
  let resolved: ResolvedFeatures | undefined;
  const messages = problemsIn(() => {
    // An unpinned reference reads some version of the view: which one is decided by migrations.
    resolved = resolveFeatures(manifest, features, { servingVersions: new Map(), fullNames });
  });
  for (const message of messages)
    lookup.invalid(at, features.kind === 'service' ? 'service' : 'features', message);
  return resolved;
}

async function spineColumns(
  at: At,
  { name, spine }: TrainingSetScheduleSpec,
  sources: readonly SourceSpec[],
  lookup: SourceLookup,
): Promise<readonly SourceColumn[] | undefined> {
  const common = {
    name: spineSourceName(name),
    timestampField: spine.timestampField,
    createdTimestampField: null,
    columns: [],
    ...metadataOf({}),
  };
  switch (spine.kind) {
    case 'last':
      return undefined;
    case 'query':
      return (await lookup.queryOf(at, spine.query, sources, 'spine.query'))?.columns;
    case 'postgres': {
      const { urlEnv } = spine;
      const query = withInterval(spine.query, { start: micros(0n), end: micros(1n) });
      return await lookup.columnsOf({ kind: 'postgres', urlEnv, table: null, query, ...common });
    }
    default:
      return await lookup.columnsOf({ kind: spine.kind, path: spine.path, ...common });
  }
}

/** Without entity rows, rows of the views stand for them: they must be of one entity, and need no request data. */
function checkRange(at: At, { parts, requestFields }: ResolvedFeatures, lookup: SourceLookup): void {
  const keys = (part: (typeof parts)[number]) =>
    part.view.joinKeys
      .map(({ name }) => name)
      .toSorted()
      .join(', ');
  const [first] = parts;
  const other = parts.find((part) => first !== undefined && keys(part) !== keys(first));
  if (first !== undefined && other !== undefined) {
    lookup.invalid(
      at,
      'spine.last',
      `found views of different join keys: "${first.view.name}" has ${keys(first)}, "${other.view.name}" has ${keys(other)}; allowed are views of one entity, or entity rows`,
    );
  }
  if (requestFields.length > 0) {
    const names = requestFields.map(({ name }) => `"${name}"`).join(', ');
    lookup.invalid(
      at,
      'spine.last',
      `found on-demand views that need request data (${names}), which only entity rows have`,
    );
  }
}
