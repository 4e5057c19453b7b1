import { acceptedTypes } from '../core/accepted-types.ts';
import type { EntitySpec } from '../core/entity.ts';
import type { FeatureServiceSpec, ServiceMember } from '../core/feature-service.ts';
import type { BatchViewSpec, FeatureViewSpec, OnDemandViewSpec } from '../core/feature-view.ts';
import type { Manifest } from '../core/manifest.ts';
import { type SourceSpec, sourceAddress } from '../core/source.ts';
import type { Micros } from '../core/time.ts';
import type { EntityDefinition } from '../define/entity.ts';
import type { FeatureServiceDefinition } from '../define/feature-service.ts';
import type { BatchViewDefinition } from '../define/feature-view.ts';
import type { SourceDefinition } from '../define/source.ts';
import type { SourceReader } from '../offline/source-reader.ts';
import type { LoadedDefinition, LoadedRepo } from '../repo/load-repo.ts';
import { checkTrainingSetSchedule, spineSourceName } from './check-training-set-schedule.ts';
import { trainingSetScheduleSpec } from './compile-training-set-schedule.ts';
import { compileBatchView, compileOnDemandView, metadataOf } from './compile-view.ts';
import { type Finding, findingsError } from './finding.ts';
import { byName, sortedEntries } from './sorted.ts';
import { createSourceLookup, type SourceLookup } from './source-lookup.ts';
import { TIME_TYPES } from './type-rules.ts';
import { validate } from './validate.ts';

/**
 * Turns a loaded repository into what the registry keeps, held against its sources as they are now.
 *
 * @throws one error with every problem: DEFINITION_INVALID when a definition is wrong in itself, else
 *   SOURCE_UNREADABLE when a source cannot be read, else SOURCE_SCHEMA_MISMATCH.
 */
export async function compileRepo(
  repo: LoadedRepo,
  { sourceReader, now }: { readonly sourceReader: SourceReader; readonly now: Micros },
): Promise<Manifest> {
  const { inventory, findings: mistakes, sound } = validate(repo, now);
  const findings: Finding[] = [...mistakes];
  const soundOnes = <L extends LoadedDefinition>(loaded: readonly L[]) =>
    loaded.filter(({ definition }) => sound.has(definition));

  const sourcePlaces = new Map<string, LoadedDefinition>(
    soundOnes(inventory.sources).map((at) => [at.definition.config.name, at]),
  );
  for (const at of soundOnes(inventory.trainingSetSchedules)) {
    sourcePlaces.set(spineSourceName(at.definition.config.name), at);
  }
  const lookup = createSourceLookup(sourceReader, (name) => sourcePlaces.get(name), findings);
  const sources: SourceSpec[] = [];
  for (const at of soundOnes(inventory.sources)) {
    const source = sourceSpec(at.definition, repo.project.name);
    sources.push(source);
    await checkSource(at, source, lookup);
  }

  const batchViews: BatchViewSpec[] = [];
  for (const at of soundOnes(inventory.batchViews)) {
    const used = sourcesOf(at.definition);
    const usable = used.every((source) => sound.has(source));
    if (!usable || !at.definition.config.entities.every((entity) => sound.has(entity))) continue;
    const view = await compileBatchView(
      at,
      used.map((source) => sourceSpec(source, repo.project.name)).toSorted(byName),
      lookup,
    );
    if (view !== undefined) batchViews.push(view);
  }
  const onDemandViews: OnDemandViewSpec[] = [];
  for (const at of soundOnes(inventory.onDemandViews)) {
    const view = compileOnDemandView(at, batchViews);
    if (view !== undefined) onDemandViews.push(view);
  }
  if (findings.length > 0) throw findingsError(repo.project.name, findings);

  const views: readonly FeatureViewSpec[] = [...batchViews, ...onDemandViews];
  const manifest: Manifest = {
    project: repo.project.name,
    entities: inventory.entities.map(({ definition }) => entitySpec(definition)).toSorted(byName),
    sources: sources.toSorted(byName),
    views: views.toSorted((a, b) => byName(a, b) || a.version - b.version),
    services: inventory.services.map(({ definition }) => serviceSpec(definition, views)).toSorted(byName),
    trainingSetSchedules: inventory.trainingSetSchedules
      .map(({ definition }) => trainingSetScheduleSpec(definition))
      .toSorted(byName),
  };
  for (const at of inventory.trainingSetSchedules) {
    await checkTrainingSetSchedule(at, trainingSetScheduleSpec(at.definition), manifest, lookup);
  }
  if (findings.length > 0) throw findingsError(repo.project.name, findings);
  return manifest;
}

/** The source's own promises: its time columns are times, and the columns it declares are there. */
async function checkSource(
  at: LoadedDefinition<SourceDefinition>,
  source: SourceSpec,
  lookup: SourceLookup,
): Promise<void> {
  // What is declared of them is what they have.
  if (source.kind === 'push') return;
  const columns = await lookup.columnsOf(source);
  if (columns === undefined) return;
  const of = `"${sourceAddress(source)}"`;
  const time = source.validTo === undefined ? 'timestampField' : 'validFrom';
  lookup.columnAt(at, time, source.timestampField, columns, of, TIME_TYPES);
  if (source.validTo !== undefined) {
    lookup.columnAt(at, 'validTo', source.validTo, columns, of, TIME_TYPES);
  }
  if (source.createdTimestampField !== null) {
    lookup.columnAt(at, 'createdTimestampField', source.createdTimestampField, columns, of, TIME_TYPES);
  }
  if (source.kind !== 'postgres' && source.partitionedBy !== undefined) {
    lookup.columnAt(at, 'partitionedBy.column', source.partitionedBy.column, columns, of);
  }
  for (const { name, type } of source.columns) {
    lookup.columnAt(at, `columns.${name}`, name, columns, of, acceptedTypes(type));
  }
}

function sourcesOf({ config }: BatchViewDefinition): readonly SourceDefinition[] {
  return 'source' in config && config.source !== undefined
    ? [config.source]
    : 'sources' in config
      ? config.sources
      : [];
}

function entitySpec({ config }: EntityDefinition): EntitySpec {
  const joinKeys = Object.entries(config.joinKeys).map(([name, type]) => ({ name, type }));
  return { kind: 'entity', name: config.name, joinKeys, ...metadataOf(config) };
}

function sourceSpec(definition: SourceDefinition, project: string): SourceSpec {
  const { config } = definition;
  const described = {
    name: config.name,
    createdTimestampField: config.createdTimestampField ?? null,
    columns: sortedEntries(config.columns ?? {}).map(([name, type]) => ({ name, type })),
    ...metadataOf(config),
  };
  if (definition.kind === 'push_source') {
    return { kind: 'push', project, timestampField: definition.config.timestampField, ...described };
  }
  const { timestampField, validFrom, validTo } = definition.config;
  const common = {
    ...described,
    timestampField: timestampField ?? validFrom,
    ...(validTo === undefined ? {} : { validTo }),
  };
  if (definition.kind === 'postgres_source') {
    const { urlEnv, table = null, query = null } = definition.config;
    return { kind: 'postgres', urlEnv, table, query: query?.trim() ?? null, ...common };
  }
  const { path, hivePartitioning, partitionedBy } = definition.config;
  return {
    kind: definition.format,
    path,
    ...common,
    ...(hivePartitioning === undefined ? {} : { hivePartitioning }),
    ...(partitionedBy === undefined ? {} : { partitionedBy }),
  };
}

/** A view given twice, or as a whole and in part, counts once, with all features asked for. */
function serviceSpec(
  { config }: FeatureServiceDefinition,
  views: readonly FeatureViewSpec[],
): FeatureServiceSpec {
  const members = new Map<string, ServiceMember>();
  for (const feature of config.features) {
    const { name: view, version } = (feature.kind === 'view_selection' ? feature.view : feature).config;
    const compiled = views.find((each) => each.name === view && each.version === version);
    const all = compiled?.features.map(({ name }) => name) ?? [];
    const features = feature.kind === 'view_selection' ? feature.features : all;
    const before = members.get(view)?.features ?? [];
    members.set(view, { view, version, features: [...new Set([...before, ...features])].toSorted() });
  }
  const sorted = [...members.values()].toSorted((a, b) => (a.view < b.view ? -1 : 1));
  return { kind: 'feature_service', name: config.name, members: sorted, ...metadataOf(config) };
}
