import { problemsError, TidemarkError } from '../core/errors.ts';
import type { FeatureSelection } from '../core/feature-selection.ts';
import { type BatchViewSpec, formatViewVersion } from '../core/feature-view.ts';
import { type ResolvedFeatures, resolveFeatures } from '../core/resolve-features.ts';
import type { DurationMicros } from '../core/time.ts';
import type { ValueType } from '../core/value-type.ts';
import type { ViewAlias } from '../core/view-alias.ts';
import type { OnlineTable } from '../online/online-store.ts';
import { onlineTableOf } from '../online/online-table.ts';
import { type JsonDecoder, jsonDecoder } from './json-decoder.ts';
import type { RegistrySnapshot } from './registry-watch.ts';

/** What a request asks for, whatever its entities: requests of one shape share a plan. */
export interface RequestShape {
  readonly selection: FeatureSelection;
  /** `view__feature` in place of `feature`. */
  readonly fullNames: boolean;
  readonly aliases: readonly ViewAlias[];
}

/** Everything about a request that does not depend on its entities. */
export interface ReadPlan {
  readonly resolved: ResolvedFeatures;
  /** Columns the request must have; one name stands twice when two views read it as different types. */
  readonly inputs: readonly InputColumn[];
  /** Each distinct list of key columns; views of the same entity share one, so its keys are built once. */
  readonly keySets: readonly KeySet[];
  /** By position of `resolved.parts`. */
  readonly parts: readonly PlannedPart[];
}

export interface InputColumn {
  readonly name: string;
  readonly type: ValueType;
  /** Keys may be null (and then match nothing); request fields may not. */
  readonly role: 'key' | 'request';
  /** The views that need it, for messages. */
  readonly neededBy: readonly string[];
  readonly decode: JsonDecoder;
}

/** Positions in `inputs`, in the order of the join keys. */
export type KeySet = readonly number[];

export interface PlannedPart {
  readonly table: OnlineTable;
  readonly keySet: number;
  readonly ttl: DurationMicros | null;
  /** Where each of the part's features stands in a stored row. */
  readonly positions: readonly number[];
}

/** Makes plans and keeps those of the newest snapshots, at most 1,000 of each. */
export function createReadPlanner(): (snapshot: RegistrySnapshot, shape: RequestShape) => ReadPlan {
  const kept = new WeakMap<RegistrySnapshot, Map<string, ReadPlan>>();
  return (snapshot, shape) => {
    const id = JSON.stringify([shape.selection, shape.fullNames, shape.aliases]);
    const plans = kept.get(snapshot) ?? new Map<string, ReadPlan>();
    kept.set(snapshot, plans);
    const known = plans.get(id);
    if (known !== undefined) return known;
    const plan = planRead(snapshot, shape);
    if (plans.size >= 1000) plans.clear();
    plans.set(id, plan);
    return plan;
  };
}

/** Throws what `resolveFeatures` throws, and REQUEST_INVALID for a view that is not published online. */
export function planRead({ manifest, servingVersions }: RegistrySnapshot, shape: RequestShape): ReadPlan {
  const { selection, fullNames, aliases } = shape;
  const resolved = resolveFeatures(manifest, selection, { servingVersions, fullNames, aliases });
  refuseOffline(resolved.parts.map(({ view }) => view));
  const inputs: { -readonly [K in keyof InputColumn]: InputColumn[K] }[] = [];
  const input = (name: string, type: ValueType, role: InputColumn['role'], view: string): number => {
    const at = inputs.findIndex((one) => one.name === name && one.type === type && one.role === role);
    const column = inputs[at];
    if (column === undefined) {
      return inputs.push({ name, type, role, neededBy: [view], decode: jsonDecoder(type) }) - 1;
    }
    if (!column.neededBy.includes(view)) column.neededBy = [...column.neededBy, view];
    return at;
  };
  const keySets: KeySet[] = [];
  const keySet = (columns: KeySet): number => {
    const at = keySets.findIndex(
      (one) => one.length === columns.length && one.every((c, i) => c === columns[i]),
    );
    return at === -1 ? keySets.push(columns) - 1 : at;
  };

  const parts = resolved.parts.map(({ view, features, alias }): PlannedPart => {
    const table = onlineTableOf(manifest.project, view);
    const columns = view.joinKeys.map(({ name, type }) =>
      input(alias?.keys[name] ?? name, type, 'key', view.name),
    );
    return {
      table,
      keySet: keySet(columns),
      ttl: table.ttl,
      positions: features.map(({ name }) => view.features.findIndex((one) => one.name === name)),
    };
  });
  for (const { view, inputs: bindings } of resolved.onDemand) {
    for (const binding of bindings) {
      if (binding.kind !== 'request') continue;
      for (const { name, type } of binding.fields) input(name, type, 'request', view.name);
    }
  }
  refuseShadowed(resolved, inputs);
  return { resolved, inputs, keySets, parts };
}

function refuseOffline(views: readonly BatchViewSpec[]): void {
  const problems = views
    .filter(({ online }) => !online)
    .map((view) => ({
      where: formatViewVersion({ view: view.name, version: view.version }),
      message: 'the view is not published online; set online: true, or read it in training sets only.',
    }));
  if (problems.length > 0) throw problemsError('REQUEST_INVALID', 'Cannot read features online:', problems);
}

/** Key columns stand in the response too (an alias's under the name that the request gave them). */
function refuseShadowed({ outputs }: ResolvedFeatures, inputs: readonly InputColumn[]): void {
  for (const { name } of outputs) {
    if (inputs.some((one) => one.role === 'key' && one.name === name)) {
      throw new TidemarkError(
        'REQUEST_INVALID',
        `Cannot name two outputs "${name}": a key column and a feature would both have that name; ask for full names.`,
      );
    }
  }
}
