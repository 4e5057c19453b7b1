import { checkAliases } from './check-aliases.ts';
import type { JoinKey } from './entity.ts';
import { TidemarkError } from './errors.ts';
import { expandSelection, type SelectedFeature } from './expand-selection.ts';
import type { FeatureSelection } from './feature-selection.ts';
import type { BatchViewSpec, FeatureSpec, OnDemandViewSpec } from './feature-view.ts';
import { formatViewVersion } from './feature-view.ts';
import { findView, type Manifest } from './manifest.ts';
import type { Column } from './source.ts';
import type { ViewAlias } from './view-alias.ts';

/**
 * What must be read and computed for a selection of features, and under which names it comes out. Training and
 * serving share it, so that both give the same features the same names.
 */
export interface ResolvedFeatures {
  /** In the order of the selection; names are unique, and no join key's. */
  readonly outputs: readonly OutputFeature[];
  readonly parts: readonly ViewPart[];
  readonly onDemand: readonly OnDemandPart[];
  /** Every field of request data that the on-demand views need, once. */
  readonly requestFields: readonly Column[];
}

export interface OutputFeature {
  readonly name: string;
  readonly view: string;
  readonly version: number;
  readonly feature: FeatureSpec;
  readonly from: { readonly kind: 'part' | 'onDemand' } & FeatureSlot;
}

/** Where a value stands: feature number `feature` of part (or on-demand part) number `part`. */
export interface FeatureSlot {
  readonly part: number;
  readonly feature: number;
}

/** One reading of a batch view: what is asked of it, and what on-demand views need of it. */
export interface ViewPart {
  readonly view: BatchViewSpec;
  readonly features: readonly FeatureSpec[];
  /** Null: the view is read by its own join keys. */
  readonly alias: ViewAlias | null;
}

export interface OnDemandPart {
  readonly view: OnDemandViewSpec;
  /** Those asked for. */
  readonly features: readonly FeatureSpec[];
  /** What the function is given, by input and name. */
  readonly inputs: readonly OnDemandBinding[];
}

export type OnDemandBinding =
  | {
      readonly kind: 'view';
      readonly input: string;
      readonly features: readonly { readonly name: string; readonly slot: FeatureSlot }[];
    }
  | { readonly kind: 'request'; readonly input: string; readonly fields: readonly Column[] };

export interface ResolveOptions {
  /** The version an unpinned reference reads, by view. */
  readonly servingVersions: ReadonlyMap<string, number>;
  /** `view__feature` in place of `feature`; `view@v1__feature` where two versions of the view are selected. */
  readonly fullNames: boolean;
  readonly aliases?: readonly ViewAlias[];
}

/**
 * UNKNOWN_VIEW and UNKNOWN_FEATURE name what was meant, all of them at once; REQUEST_INVALID for text that is no
 * reference and for two features that would have one name.
 */
export function resolveFeatures(
  manifest: Manifest,
  selection: FeatureSelection,
  options: ResolveOptions,
): ResolvedFeatures {
  const selected = expandSelection(manifest, selection, options.servingVersions);
  const aliases = options.aliases ?? [];
  checkAliases(selected, aliases);
  const parts = createParts();
  const onDemand: { view: OnDemandViewSpec; features: FeatureSpec[]; inputs: readonly OnDemandBinding[] }[] =
    [];
  const outputs: OutputFeature[] = [];
  const nameOf = namer(selected, options.fullNames);

  for (const { view, feature } of selected) {
    const common = { view: view.name, version: view.version, feature };
    if (view.kind === 'batch_view') {
      const own = aliases.filter((alias) => alias.view === view.name);
      for (const alias of own.length === 0 ? [null] : own) {
        const name = `${alias?.prefix ?? ''}${nameOf(view, feature)}`;
        outputs.push({ ...common, name, from: { kind: 'part', ...parts.slot(view, feature, alias) } });
      }
    } else {
      let part = onDemand.findIndex((other) => other.view === view);
      if (part === -1) {
        part = onDemand.push({ view, features: [], inputs: bindInputs(manifest, view, parts) }) - 1;
      }
      const features = onDemand[part]?.features ?? [];
      const at = features.push(feature) - 1;
      outputs.push({ ...common, name: nameOf(view, feature), from: { kind: 'onDemand', part, feature: at } });
    }
  }
  refuseCollisions(outputs, parts.list, options.fullNames);
  return { outputs, parts: parts.list, onDemand, requestFields: requestFieldsOf(onDemand) };
}

/** The join keys of all parts that are read by their own keys, once, in the order of the parts. */
export function joinKeysOf({ parts }: Pick<ResolvedFeatures, 'parts'>): readonly JoinKey[] {
  const keys = new Map<string, JoinKey>();
  for (const { view, alias } of parts) {
    if (alias !== null) continue;
    for (const key of view.joinKeys) if (!keys.has(key.name)) keys.set(key.name, key);
  }
  return [...keys.values()];
}

function createParts() {
  const list: { view: BatchViewSpec; features: FeatureSpec[]; alias: ViewAlias | null }[] = [];
  return {
    list,
    slot(view: BatchViewSpec, feature: FeatureSpec, alias: ViewAlias | null): FeatureSlot {
      let part = list.findIndex((other) => other.view === view && other.alias === alias);
      if (part === -1) part = list.push({ view, features: [], alias }) - 1;
      const features = list[part]?.features ?? [];
      let at = features.findIndex(({ name }) => name === feature.name);
      if (at === -1) at = features.push(feature) - 1;
      return { part, feature: at };
    },
  };
}

/** On-demand inputs are always read by the view's own keys: an alias is a matter of the output. */
function bindInputs(
  manifest: Manifest,
  { name, version, inputs }: OnDemandViewSpec,
  parts: ReturnType<typeof createParts>,
): readonly OnDemandBinding[] {
  return inputs.map((input): OnDemandBinding => {
    if (input.kind === 'request') return { kind: 'request', input: input.name, fields: input.fields };
    const view = findView(manifest, input.view, input.version);
    if (view?.kind !== 'batch_view') {
      throw new TidemarkError(
        'UNKNOWN_VIEW',
        `Cannot compute view "${name}" at version ${version}: its input "${input.name}" reads ` +
          `${formatViewVersion(input)}, which is not applied.`,
      );
    }
    return {
      kind: 'view',
      input: input.name,
      features: input.features.map((feature) => ({
        name: feature.name,
        slot: parts.slot(view, feature, null),
      })),
    };
  });
}

function namer(selected: readonly SelectedFeature[], fullNames: boolean) {
  const versions = new Map<string, Set<number>>();
  for (const { view } of selected) {
    versions.set(view.name, (versions.get(view.name) ?? new Set()).add(view.version));
  }
  return (view: { readonly name: string; readonly version: number }, feature: FeatureSpec) => {
    if (!fullNames) return feature.name;
    const several = (versions.get(view.name)?.size ?? 0) > 1;
    return `${several ? formatViewVersion({ view: view.name, version: view.version }) : view.name}__${feature.name}`;
  };
}

function refuseCollisions(
  outputs: readonly OutputFeature[],
  parts: readonly ViewPart[],
  fullNames: boolean,
): void {
  const taken = new Map<string, string>(
    joinKeysOf({ parts }).map(({ name }) => [name.toLowerCase(), `the join key "${name}"`]),
  );
  for (const { name, view, version, feature } of outputs) {
    const what = `feature "${feature.name}" of ${formatViewVersion({ view, version })}`;
    const other = taken.get(name.toLowerCase());
    if (other !== undefined) {
      const advice = fullNames ? 'give one an alias' : 'ask for full names, or give one an alias';
      throw new TidemarkError(
        'REQUEST_INVALID',
        `Cannot name two outputs "${name}": ${other} and ${what} would both have that name; ${advice}.`,
      );
    }
    taken.set(name.toLowerCase(), what);
  }
}

function requestFieldsOf(parts: readonly OnDemandPart[]): readonly Column[] {
  const fields = new Map<string, { readonly field: Column; readonly view: string }>();
  for (const { view, inputs } of parts) {
    for (const input of inputs) {
      if (input.kind !== 'request') continue;
      for (const field of input.fields) {
        const first = fields.get(field.name);
        if (first !== undefined && first.field.type !== field.type) {
          throw new TidemarkError(
            'REQUEST_INVALID',
            `Cannot give request field "${field.name}" two types: it is ${first.field.type} for view ` +
              `"${first.view}" and ${field.type} for view "${view.name}".`,
          );
        }
        fields.set(field.name, { field, view: view.name });
      }
    }
  }
  return [...fields.values()].map(({ field }) => field);
}
