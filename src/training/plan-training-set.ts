import type { KnownAt } from '../core/as-of.ts';
import { digestOf } from '../core/canonical.ts';
import { type Problem, problemsError, TidemarkError } from '../core/errors.ts';
import type { Manifest } from '../core/manifest.ts';
import { onDemandFunctionOf } from '../core/on-demand.ts';
import { type ResolvedFeatures, resolveFeatures } from '../core/resolve-features.ts';
import type { Column } from '../core/source.ts';
import { formatTime, parseTime } from '../core/time.ts';
import type { ValueType } from '../core/value-type.ts';
import type { AsOfRequest, Spine, SpineDescription } from '../offline/as-of-engine.ts';
import type { Registry } from '../registry/registry.ts';
import { onDemandColumns } from './compute-on-demand.ts';
import {
  checkLabelColumn,
  horizonText,
  type ResolvedLabel,
  refuseLabelCollision,
  resolveLabel,
} from './label.ts';
import { layoutOf } from './layout.ts';
import {
  type ForgottenRange,
  type LabelRecord,
  type Recipe,
  type TrainingSetContents,
  trainingSetId,
} from './manifest.ts';
import { rangeSpineOf, withWholeRange } from './range-spine.ts';
import { type LabelReading, readLabel } from './read-label.ts';
import { forgottenRanges, joinedViews, readViews, type ViewReading } from './read-views.ts';
import { refuseSpineCollision } from './refuse-spine-collision.ts';
import type { TrainingDeps, TrainingSetRequest } from './training-set.ts';

/** What would be made: its name is known before any of the work is done. */
export interface TrainingSetPlan {
  readonly id: string;
  readonly contents: TrainingSetContents;
  readonly recipe: Recipe;
  readonly forgotten: readonly ForgottenRange[];
  readonly join: Omit<AsOfRequest, 'path' | 'signal' | 'onProgress'>;
}

/** UNKNOWN_PROJECT, UNKNOWN_VIEW, UNKNOWN_FEATURE, REQUEST_INVALID or SPINE_INVALID, before anything is computed. */
export async function planTrainingSet(
  request: TrainingSetRequest,
  deps: Pick<TrainingDeps, 'ledger' | 'asOf' | 'onDemand' | 'offlineRoot'> & {
    readonly registry: Pick<Registry, 'load' | 'servingVersions'>;
  },
): Promise<TrainingSetPlan> {
  const { project } = request;
  const knownAt = parseKnownAt(request.knownAt);
  const read = { knownAt, ledger: deps.ledger, offlineRoot: deps.offlineRoot };
  const applied = await deps.registry.load(project);
  if (applied === undefined) {
    throw new TidemarkError(
      'UNKNOWN_PROJECT',
      `Cannot find project "${project}": nothing has been applied for it. Run tidemark apply first.`,
    );
  }
  const naming = {
    servingVersions: await deps.registry.servingVersions(project),
    fullNames: request.fullNames,
  };
  const resolved = resolveFeatures(applied.manifest, request.features, {
    ...naming,
    ...(request.aliases === undefined ? {} : { aliases: request.aliases }),
  });
  const label = request.label && resolveLabel(request.label, applied.manifest, naming);
  if (label?.kind === 'view') refuseLabelCollision(label, resolved);
  const computed = onDemandColumns(resolved, deps.onDemand);
  const spine =
    request.spine.kind === 'range'
      ? await rangeSpineOf(request.spine, resolved, { ...read, project })
      : withSources(request.spine, applied.manifest);
  const found = await deps.asOf.describeSpine(spine, joinedViews(resolved, label));
  const description = spine.kind === 'range' ? withWholeRange(spine, found, resolved) : found;
  refuseSpineCollision(description, resolved);
  checkRequestData(resolved, description);
  if (label?.kind === 'column') checkLabelColumn(label.name, found, spine.timestampField);
  const readings = await readViews(project, resolved, description, read);
  const labelled = label?.kind === 'view' ? await readLabel(project, label, found, read) : undefined;
  const all = labelled === undefined ? readings : [...readings, labelled];

  const layout = layoutOf(request.layout ?? {}, {
    keys: readings.map(({ asOf }) => asOf.spineColumns),
    columns: description.columns.map(({ name }) => name),
  });
  const contents: TrainingSetContents = {
    project,
    spine: {
      digest: description.digest,
      timestampField: spine.timestampField,
      rows: description.rows,
      columns: description.columns,
    },
    knownAt: knownAt.kind === 'cutoff' ? formatTime(knownAt.at) : knownAt.kind,
    outputs: resolved.outputs.map(({ name, view, version, feature }) => ({
      name,
      view,
      version,
      feature: feature.name,
      type: feature.type,
    })),
    ...(label === undefined ? {} : { label: labelRecord(label, found, labelled) }),
    views: all.map(({ record }) => record),
    onDemand: resolved.onDemand.map(({ view }) => ({
      view: view.name,
      version: view.version,
      fingerprint: view.fingerprint,
      code: digestOf(String(onDemandFunctionOf(deps.onDemand, view))),
    })),
    engine: deps.asOf.version,
    layout,
  };
  return {
    id: trainingSetId(contents),
    contents,
    recipe: recipeOf({ ...request, spine }, resolved, { description, readings, label: labelled }),
    forgotten: forgottenRanges(all),
    join: {
      spine,
      spineDigest: description.digest,
      views: all.map(({ asOf }) => asOf),
      knownAt,
      ...(labelled === undefined || labelled.notAfter === null ? {} : { notAfter: labelled.notAfter }),
      computed,
      outputs: [...resolved.outputs.map(({ name }) => name), ...(label?.kind === 'view' ? [label.name] : [])],
    },
  };
}

function recipeOf(
  { features, spine }: TrainingSetRequest,
  { outputs, parts, onDemand }: ResolvedFeatures,
  read: {
    readonly description: SpineDescription;
    readonly readings: readonly ViewReading[];
    readonly label: LabelReading | undefined;
  },
): Recipe {
  const rangeText = ({ range }: Partial<ViewReading>) =>
    range ? { start: formatTime(range.start), end: formatTime(range.end) } : null;
  const { label } = read;
  return {
    spineColumns: read.description.engineColumns,
    outputs,
    parts: [
      ...parts.map(({ view, features: asked }, index) => ({
        joinKeys: view.joinKeys,
        features: asked,
        ...(view.transformation.kind === 'aggregations' ? { endsBefore: true } : {}),
        range: rangeText(read.readings[index] ?? {}),
      })),
      ...(label === undefined
        ? []
        : [
            {
              joinKeys: label.asOf.joinKeys,
              features: label.asOf.features.map(({ feature }) => feature),
              range: rangeText(label),
            },
          ]),
    ],
    onDemand,
    selection: features,
    ...(spine.kind === 'range' ? { range: { from: spine.from, to: spine.to } } : {}),
  };
}

function labelRecord(
  label: ResolvedLabel,
  { columns }: SpineDescription,
  reading: LabelReading | undefined,
): LabelRecord {
  const { name } = label;
  if (label.kind === 'column') {
    const type = columns.find((column) => column.name === name)?.type ?? 'string';
    return { kind: 'column', name, type };
  }
  const { view, feature, horizon } = label;
  const notAfter = reading?.notAfter ?? null;
  return {
    kind: 'view',
    name,
    type: feature.type,
    view: view.name,
    version: view.version,
    feature: feature.name,
    horizon: horizonText(horizon),
    notAfter: notAfter === null ? null : formatTime(notAfter),
  };
}

export function parseKnownAt(text: string): KnownAt {
  if (text === 'any' || text === 'row') return { kind: text };
  const at = parseTime(text);
  if (at !== undefined) return { kind: 'cutoff', at };
  throw new TidemarkError(
    'REQUEST_INVALID',
    `Cannot read "${text}" as a known-at: allowed are any, row, or an ISO 8601 time such as 2026-01-31T00:00:00Z.`,
  );
}

function withSources(spine: Spine, { sources }: Manifest): Spine {
  return spine.kind === 'query' ? { ...spine, sources } : spine;
}

/** Request data of on-demand views stands in the spine; all that is missing is said at once. */
function checkRequestData({ requestFields }: ResolvedFeatures, { columns, rows }: SpineDescription): void {
  const problems = requestFields.flatMap((field): Problem[] => {
    const column = columns.find(({ name }) => name === field.name);
    if (column === undefined) return [problem(field, 'the spine has no such column')];
    // A CSV file of a header alone: nothing in it is of another type.
    if (rows === 0 && column.type === 'string') return [];
    return readableAs(column.type, field.type) ? [] : [problem(field, `its column is ${column.type}`)];
  });
  if (problems.length > 0) {
    throw problemsError('SPINE_INVALID', 'Cannot use the spine: it lacks request data.', problems);
  }
}

function problem({ name, type }: Column, found: string): Problem {
  return { where: name, message: `${found}; ${type} is needed.` };
}

/** Whether a spine column can be given as this type: exactly, or the build fails at the value that does not fit. */
function readableAs(found: ValueType, wanted: ValueType): boolean {
  if (found === wanted) return true;
  const integer = found === 'int32' || found === 'int64';
  if (wanted === 'int32' || wanted === 'int64') return integer;
  if (wanted === 'float32' || wanted === 'float64')
    return integer || found === 'float32' || found === 'float64';
  return wanted === 'timestamp' ? found === 'date' : wanted === 'json' && found === 'string';
}
