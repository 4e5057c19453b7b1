import { acceptedTypes } from '../core/accepted-types.ts';
import type { Metadata } from '../core/entity.ts';
import type { BatchViewSpec, OnDemandInput, OnDemandViewSpec } from '../core/feature-view.ts';
import { functionDigest } from '../core/function-digest.ts';
import { RECEIVED_TIME, type SourceSpec } from '../core/source.ts';
import type {
  BatchViewDefinition,
  FeatureTypes,
  PassThroughViewInput,
  SqlViewInput,
} from '../define/feature-view.ts';
import type { MetadataInput } from '../define/metadata.ts';
import type { OnDemandViewDefinition } from '../define/on-demand-view.ts';
import type { LoadedDefinition } from '../repo/load-repo.ts';
import { type Computation, compileAggregations, compilePassThrough, compileSql } from './compile-features.ts';
import { batchFingerprint, onDemandFingerprint } from './fingerprint.ts';
import { sortedEntries } from './sorted.ts';
import type { SourceLookup } from './source-lookup.ts';

/** A sound definition as the registry keeps it; undefined when it does not fit its sources (reported then). */
export async function compileBatchView(
  at: LoadedDefinition<BatchViewDefinition>,
  sources: readonly SourceSpec[],
  lookup: SourceLookup,
): Promise<BatchViewSpec | undefined> {
  const { config } = at.definition;
  const joinKeys = config.entities.flatMap((entity) =>
    Object.entries(entity.config.joinKeys).map(([name, type]) => ({ name, type })),
  );
  const [source] = sources;
  if (source === undefined) return undefined;
  let timestampField = source.timestampField;
  let createdTimestampField = createdFieldOf(source);
  let computation: Computation | undefined;
  if ('sql' in config && config.sql !== undefined) {
    const sql: SqlViewInput<string, FeatureTypes> = config;
    timestampField = sql.timestampField ?? 'event_timestamp';
    createdTimestampField = sql.createdTimestampField ?? null;
    computation = await compileSql(
      at,
      sql,
      { joinKeys, timestampField, createdTimestampField },
      sources,
      lookup,
    );
  } else {
    const keysFit = await checkJoinKeys(at, joinKeys, source, lookup);
    computation =
      'aggregations' in config && config.aggregations !== undefined
        ? await compileAggregations(at, config.aggregations, source, lookup)
        : await compilePassThrough(at, config as PassThroughViewInput<string, FeatureTypes>, source, lookup);
    if (!keysFit) return undefined;
  }
  if (computation === undefined) return undefined;
  const view: Omit<BatchViewSpec, 'fingerprint'> = {
    kind: 'batch_view',
    name: config.name,
    version: config.version,
    entities: config.entities.map((entity) => entity.config.name),
    joinKeys,
    sources,
    ...computation,
    ...('stream' in config && config.stream === true ? { stream: true as const } : {}),
    timestampField,
    createdTimestampField,
    ...validityOf(source, computation),
    schedule: config.schedule.trim().split(/\s+/).join(' '),
    startTime: config.startTime,
    dataDelay: config.dataDelay ?? '0s',
    ttl: config.ttl ?? null,
    freshnessSla: config.freshnessSla ?? null,
    online: config.online ?? true,
    paused: config.paused ?? false,
    quality: config.quality ?? [],
    ...metadataOf(config),
  };
  return { ...view, fingerprint: batchFingerprint(view) };
}

/** When rows were pushed is known, told or not: of two with one event time, the later one is the newer. */
function createdFieldOf(source: SourceSpec): string | null {
  return source.createdTimestampField ?? (source.kind === 'push' ? RECEIVED_TIME : null);
}

/** Aggregations of such a source are refused, and a query reads it as an ordinary table. */
function validityOf(
  { validTo }: SourceSpec,
  { transformation }: Computation,
): Pick<BatchViewSpec, 'validTo'> {
  return transformation.kind === 'passthrough' && validTo !== undefined ? { validTo } : {};
}

async function checkJoinKeys(
  at: LoadedDefinition<BatchViewDefinition>,
  joinKeys: BatchViewSpec['joinKeys'],
  source: SourceSpec,
  lookup: SourceLookup,
): Promise<boolean> {
  const columns = await lookup.columnsOf(source);
  if (columns === undefined) return false;
  const of = `source "${source.name}"`;
  return joinKeys
    .map(({ name, type }) => lookup.columnAt(at, 'entities', name, columns, of, acceptedTypes(type)))
    .every((column) => column !== undefined);
}

/** Undefined when one of its views did not compile: that has been reported there. */
export function compileOnDemandView(
  { definition: { config } }: LoadedDefinition<OnDemandViewDefinition>,
  batchViews: readonly BatchViewSpec[],
): OnDemandViewSpec | undefined {
  const inputs: OnDemandInput[] = [];
  for (const [name, input] of sortedEntries(config.inputs)) {
    if (input.kind === 'request_source') {
      const fields = sortedEntries(input.fields).map(([field, type]) => ({ name: field, type }));
      inputs.push({ kind: 'request', name, fields });
      continue;
    }
    const { name: view, version } = input.config;
    const compiled = batchViews.find((each) => each.name === view && each.version === version);
    if (compiled === undefined) return undefined;
    inputs.push({ kind: 'view', name, view, version, features: compiled.features });
  }
  const view: Omit<OnDemandViewSpec, 'fingerprint'> = {
    kind: 'on_demand_view',
    name: config.name,
    version: config.version,
    inputs,
    features: sortedEntries(config.features).map(([name, type]) => ({ name, type, description: '' })),
    functionDigest: functionDigest(config.transform),
    ...metadataOf(config),
  };
  return { ...view, fingerprint: onDemandFingerprint(view) };
}

export function metadataOf({ description, owner, tags }: MetadataInput): Metadata {
  return { description: description ?? '', owner: owner ?? '', tags: tags ?? {} };
}
