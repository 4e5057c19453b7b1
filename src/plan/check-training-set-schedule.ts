import { messageOf, type Problem, TidemarkError } from '../core/errors.ts';
import { expandSelection } from '../core/expand-selection.ts';
import { formatFeatureReference } from '../core/feature-service.ts';
import { withInterval } from '../core/interval-query.ts';
import type { Manifest } from '../core/manifest.ts';
import { joinKeysOf, type ResolvedFeatures, resolveFeatures } from '../core/resolve-features.ts';
import type { SourceSpec } from '../core/source.ts';
import { micros } from '../core/time.ts';
import type { ScheduledLabel, TrainingSetScheduleSpec } from '../core/training-set-schedule.ts';
import type { ValueType } from '../core/value-type.ts';
import type { TrainingSetScheduleDefinition } from '../define/training-set-schedule.ts';
import type { SourceColumn } from '../offline/source-reader.ts';
import type { LoadedDefinition } from '../repo/load-repo.ts';
import { metadataOf } from './compile-view.ts';
import type { SourceLookup } from './source-lookup.ts';
import { TIME_TYPES } from './type-rules.ts';

type At = LoadedDefinition<TrainingSetScheduleDefinition>;

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
  for (const [name, field] of neededColumns(resolved)) lookup.columnAt(at, field, name, columns, THE_SPINE);
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

/** The columns that the entity rows must have, each with the field of the definition that asks for it. */
function neededColumns({ parts, requestFields }: ResolvedFeatures): ReadonlyMap<string, string> {
  const read = parts.flatMap(({ view, alias }) => view.joinKeys.map(({ name }) => alias?.keys[name] ?? name));
  const own = [...joinKeysOf({ parts }), ...requestFields].map(({ name }) => name);
  return new Map([
    ...read.map((name) => [name, 'aliases'] as const),
    ...own.map((name) => [name, 'spine'] as const),
  ]);
}

/** A label that is looked up is one feature of a batch view. */
function checkLabelView(at: At, label: ScheduledLabel, manifest: Manifest, lookup: SourceLookup): void {
  if ('column' in label) return;
  const reference = formatFeatureReference({ ...label, version: label.version ?? null });
  const selection = { kind: 'references', references: [reference] } as const;
  for (const { message } of problemsIn(() => {
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

/** What goes wrong; nothing when nothing does. */
function problemsIn(work: () => void): readonly Problem[] {
  try {
    work();
    return [];
  } catch (error) {
    if (!(error instanceof TidemarkError)) throw error;
    return error.problems.length > 0 ? error.problems : [{ where: 'features', message: messageOf(error) }];
  }
}

/** Undefined when there is no such feature, or two have one name: reported, all at once. */
function resolvedFor(
  at: At,
  { features, aliases = [], fullNames }: TrainingSetScheduleSpec,
  manifest: Manifest,
  lookup: SourceLookup,
): ResolvedFeatures | undefined {
  let resolved: ResolvedFeatures | undefined;
  const problems = problemsIn(() => {
    // An unpinned reference reads some version of the view: which one is decided by migrations.
    resolved = resolveFeatures(manifest, features, { servingVersions: new Map(), fullNames, aliases });
  });
  const selection = features.kind === 'service' ? 'service' : 'features';
  for (const { where, message } of problems)
    lookup.invalid(at, where.startsWith('alias ') ? 'aliases' : selection, message);
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
  for (const { view, alias } of parts) {
    const [[key, column] = []] = Object.entries(alias?.keys ?? {});
    if (key === undefined) continue;
    const message = `found key "${key}" of view "${view.name}" read from "${column}", which only entity rows have`;
    lookup.invalid(at, 'aliases', message);
  }
  const keys = (part: (typeof parts)[number]) =>
    part.view.joinKeys
      .map(({ name }) => name)
      .toSorted()
      .join(', ');
  // Views without keys are joined to the rows of the others.
  const [first, ...others] = parts.filter(({ view }) => view.joinKeys.length > 0);
  const other = others.find((part) => first !== undefined && keys(part) !== keys(first));
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
