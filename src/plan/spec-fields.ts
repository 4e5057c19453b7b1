import { keepsEveryValue } from '../core/accepted-types.ts';
import type { Aggregation, SimpleAggregation } from '../core/aggregation.ts';
import { canonicalJson } from '../core/canonical.ts';
import type { EntitySpec, Metadata } from '../core/entity.ts';
import type { FeatureServiceSpec } from '../core/feature-service.ts';
import type {
  BatchViewSpec,
  FeatureSpec,
  FeatureViewSpec,
  OnDemandViewSpec,
  QualityRule,
} from '../core/feature-view.ts';
import type { SourceSpec } from '../core/source.ts';
import { durationOf, timeOf } from '../core/time.ts';
import type { TrainingSetScheduleSpec } from '../core/training-set-schedule.ts';
import type { ValueType } from '../core/value-type.ts';
import { aggregationIdentity } from './fingerprint.ts';
import type { PlannedChange } from './plan.ts';

export type Severity = PlannedChange['severity'];

/** One field of a compiled object, as a plan compares and shows it. */
export interface SpecField {
  /** A path such as `features.sessions_7d.type`. */
  readonly field: string;
  readonly text: string;
  /** Equal for two texts that mean the same (`7d`, `168h`): a change of the text alone is metadata. */
  readonly identity: string;
  /** `from`: the text of the field as it was, when it has changed. */
  readonly severity: (change: 'added' | 'changed' | 'removed', from?: string) => Severity;
  /** What was applied before this was looked at does not have it, which is no change. */
  readonly mayLack?: true;
}

const metadata = () => 'metadata' as const;
const additive = () => 'additive' as const;
const breaking = () => 'breaking' as const;
/** More is additive; less, or other, breaks. */
const additiveWhenAdded = (change: 'added' | 'changed' | 'removed') =>
  change === 'added' ? ('additive' as const) : ('breaking' as const);

export function entityFields(entity: EntitySpec): readonly SpecField[] {
  const keys = entity.joinKeys.map(({ name, type }) => `${name} ${type}`).join(', ');
  return [field('joinKeys', keys, breaking), ...metadataFields(entity)];
}

/** Where the rows lie and what is promised of them may change; what tells their times may not, nor what is asked. */
export function sourceFields(source: SourceSpec): readonly SpecField[] {
  return [
    ...identityOfSource('', source),
    ...placeFields(source),
    ...source.columns.map(({ name, type }) =>
      field(`columns.${name}`, type, source.kind === 'push' ? pushedColumn(type) : additive),
    ),
    ...metadataFields(source),
  ];
}

/** Rows that were pushed are there in the type of their time, and only Tidemark has them. */
function pushedColumn(type: ValueType): SpecField['severity'] {
  return (change, from) => {
    if (change === 'added') return 'additive';
    return change === 'changed' && keepsEveryValue(from as ValueType, type) ? 'additive' : 'breaking';
  };
}

function placeFields(source: SourceSpec): readonly SpecField[] {
  if (source.kind === 'push') return [];
  if (source.kind === 'postgres') {
    return [field('urlEnv', source.urlEnv, additive), ...optional('table', source.table, additive)];
  }
  const { path, hivePartitioning, partitionedBy } = source;
  return [
    field('path', path, additive),
    ...(hivePartitioning === undefined
      ? []
      : [field('hivePartitioning', String(hivePartitioning), additive)]),
    ...(partitionedBy === undefined
      ? []
      : [field('partitionedBy', `${partitionedBy.column} by ${partitionedBy.granularity}`, additive)]),
  ];
}

export function viewFields(view: FeatureViewSpec): readonly SpecField[] {
  return view.kind === 'batch_view' ? batchFields(view) : onDemandFields(view);
}

/** A service has no version of its own: a breaking change is shown, not refused. */
export function serviceFields(service: FeatureServiceSpec): readonly SpecField[] {
  return [
    ...service.members.flatMap(({ view, version, features }) => [
      field(`${view}.version`, String(version), additiveWhenAdded),
      ...features.map((feature) => field(`${view}.features.${feature}`, 'used', additiveWhenAdded)),
    ]),
    ...metadataFields(service),
  ];
}

/** What the next sets hold may change: each is named by what it was made of, and those made before stay. */
export function trainingSetScheduleFields(spec: TrainingSetScheduleSpec): readonly SpecField[] {
  const { timestampField, ...rows } = spec.spine;
  return [
    field('schedule', spec.schedule, metadata),
    field('dataDelay', spec.dataDelay, metadata, durationOf(spec.dataDelay)),
    ...Object.entries(rows).map(([name, value]) => field(`spine.${name}`, value, additive)),
    field('spine.timestampField', timestampField, additive),
    ...(spec.features.kind === 'service'
      ? [field('service', spec.features.service, additive)]
      : spec.features.references.map((reference) => field(`features.${reference}`, 'used', additive))),
    ...(spec.aliases ?? []).map(({ view, prefix, keys }) =>
      field(`aliases.${view}.${prefix}`, keysText(keys), additive),
    ),
    ...Object.entries(spec.label ?? {}).map(([name, value]) =>
      field(`label.${name}`, String(value), additive),
    ),
    field('knownAt', spec.knownAt, additive),
    field('fullNames', String(spec.fullNames), additive),
    ...optional('split', spec.split, additive),
    field('format', spec.format, additive),
    ...optional('rowsPerFile', spec.rowsPerFile, additive),
    field('statistics', String(spec.statistics), metadata),
    field('paused', String(spec.paused), metadata),
    ...metadataFields(spec),
  ];
}

function keysText(keys: Readonly<Record<string, string>>): string {
  const pairs = Object.entries(keys).map(([key, column]) => `${key}=${column}`);
  return pairs.length === 0 ? 'its own keys' : pairs.toSorted().join(', ');
}

/** Which of these are `breaking` and what is in the fingerprint must be the same: a test holds them together. */
function batchFields(view: BatchViewSpec): readonly SpecField[] {
  return [
    field('kind', view.kind, breaking),
    field('entities', view.entities.join(', ') || 'none', metadata),
    field(
      'joinKeys',
      view.joinKeys.map(({ name, type }) => `${name} ${type}`).join(', ') || 'none',
      breaking,
    ),
    ...view.sources.flatMap((source) => identityOfSource(`sources.${source.name}.`, source)),
    ...transformationFields(view),
    field('timestampField', view.timestampField, breaking),
    ...optional('createdTimestampField', view.createdTimestampField, breaking),
    ...optional('validTo', view.validTo ?? null, breaking),
    ...(view.stream === undefined ? [] : [field('stream', 'true', additive)]),
    // A feature more is a column that the files of this version do not have.
    ...featureFields(view.features, breaking),
    field('schedule', view.schedule, breaking),
    field('startTime', view.startTime, additive, timeOf(view.startTime)),
    field('dataDelay', view.dataDelay, breaking, durationOf(view.dataDelay)),
    ...optional('ttl', view.ttl, additive, durationOf),
    ...optional('freshnessSla', view.freshnessSla, metadata, durationOf),
    field('online', String(view.online), additive),
    field('paused', String(view.paused), metadata),
    ...view.quality.map((rule, index) => field(`quality.${index}`, qualityText(rule), additive)),
    ...metadataFields(view),
  ];
}

function onDemandFields(view: OnDemandViewSpec): readonly SpecField[] {
  return [
    field('kind', view.kind, breaking),
    ...view.inputs.flatMap((input) =>
      input.kind === 'view'
        ? [field(`inputs.${input.name}`, `${input.view}@v${input.version}`, breaking)]
        : input.fields.map(({ name, type }) => field(`inputs.${input.name}.${name}`, type, breaking)),
    ),
    // Nothing of it is stored: a feature more changes nobody's values.
    ...featureFields(view.features, additiveWhenAdded),
    ...functionFields(view),
    ...metadataFields(view),
  ];
}

function functionFields({ functionDigest: digest }: OnDemandViewSpec): readonly SpecField[] {
  if (digest === undefined) return [];
  return [{ ...field('transform', `code ${digest.slice(0, 8)}`, breaking, digest), mayLack: true }];
}

function transformationFields({ transformation }: BatchViewSpec): readonly SpecField[] {
  const kind = field('transformation', transformation.kind, breaking);
  switch (transformation.kind) {
    case 'aggregations':
      return [
        kind,
        ...transformation.aggregations.map(({ feature, aggregation }) =>
          field(
            `aggregations.${feature}`,
            aggregationText(aggregation),
            breaking,
            canonicalJson(aggregationIdentity(aggregation)),
          ),
        ),
      ];
    case 'sql':
      return [
        kind,
        field('sql', transformation.query, breaking, transformation.queryDigest),
        ...optional('intervalsPerQuery', transformation.intervalsPerQuery, breaking),
      ];
    case 'passthrough':
      return [kind];
  }
}

function featureFields(
  features: readonly FeatureSpec[],
  severity: SpecField['severity'],
): readonly SpecField[] {
  return features.flatMap(({ name, type, description }) => [
    field(`features.${name}.type`, type, severity),
    ...(description === '' ? [] : [field(`features.${name}.description`, description, metadata)]),
  ]);
}

function identityOfSource(prefix: string, source: SourceSpec): readonly SpecField[] {
  return [
    field(`${prefix}kind`, source.kind, breaking),
    field(`${prefix}timestampField`, source.timestampField, breaking),
    ...optional(`${prefix}createdTimestampField`, source.createdTimestampField, breaking),
    ...optional(`${prefix}validTo`, source.validTo ?? null, breaking),
    ...(source.kind === 'postgres' ? optional(`${prefix}query`, source.query, breaking) : []),
  ];
}

function metadataFields({ description, owner, tags }: Metadata): readonly SpecField[] {
  return [
    ...(description === '' ? [] : [field('description', description, metadata)]),
    ...(owner === '' ? [] : [field('owner', owner, metadata)]),
    ...Object.entries(tags).map(([tag, value]) => field(`tags.${tag}`, value, metadata)),
  ];
}

/** `countDistinct(session_id) over 7d where ok`: as short as a person would write it. */
function aggregationText(aggregation: Aggregation): string {
  const simple = ({ fn, column, window, where, argument }: SimpleAggregation) => {
    const inner = [column ?? '*', ...(argument === null ? [] : [String(argument)])].join(', ');
    return `${fn}(${inner}) over ${window}${where === null ? '' : ` where ${where}`}`;
  };
  return aggregation.kind === 'simple'
    ? simple(aggregation)
    : `${simple(aggregation.numerator)} / ${simple(aggregation.denominator)}`;
}

function qualityText(rule: QualityRule): string {
  switch (rule.kind) {
    case 'minRows':
      return `at least ${rule.rows} rows`;
    case 'maxNullShare':
      return `${rule.feature}: null share at most ${rule.share}`;
    case 'between':
      return `${rule.feature}: between ${rule.min ?? '-∞'} and ${rule.max ?? '∞'}`;
  }
}

function optional<T extends string | number>(
  name: string,
  value: T | null,
  severity: SpecField['severity'],
  identity: (value: T) => unknown = String,
): readonly SpecField[] {
  return value === null ? [] : [field(name, String(value), severity, identity(value))];
}

function field(
  name: string,
  text: string,
  severity: SpecField['severity'],
  identity: unknown = text,
): SpecField {
  return { field: name, text, identity: String(identity), severity };
}
