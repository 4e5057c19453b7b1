import type { FeatureSelection } from '../core/feature-selection.ts';
import { formatFeatureReference } from '../core/feature-service.ts';
import type {
  ScheduledLabel,
  ScheduledSpine,
  TrainingSetScheduleSpec,
} from '../core/training-set-schedule.ts';
import type { ViewAlias } from '../core/view-alias.ts';
import type { ServiceFeature } from '../define/feature-service.ts';
import type {
  AliasInput,
  LabelInput,
  SpineInput,
  TrainingSetScheduleDefinition,
} from '../define/training-set-schedule.ts';
import { metadataOf } from './compile-view.ts';

/** Compiles without looking at anything. */
export function trainingSetScheduleSpec({ config }: TrainingSetScheduleDefinition): TrainingSetScheduleSpec {
  return {
    kind: 'training_set_schedule',
    name: config.name,
    schedule: config.schedule,
    dataDelay: config.dataDelay ?? '0s',
    spine: spineSpec(config.spine),
    features: selectionOf(config),
    ...(config.aliases === undefined || config.aliases.length === 0
      ? {}
      : { aliases: config.aliases.map(aliasSpec) }),
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

function aliasSpec({ view, prefix, keys = {} }: AliasInput): ViewAlias {
  return { view: typeof view === 'string' ? view : view.config.name, prefix, keys };
}
