import { formatViewVersion } from '../core/feature-view.ts';
import { nearest } from '../core/nearest.ts';
import { isDefinition } from '../define/definition.ts';
import type { BatchViewDefinition } from '../define/feature-view.ts';
import type { OnDemandViewDefinition } from '../define/on-demand-view.ts';
import type { FieldProblem } from './finding.ts';
import type { Inventory } from './inventory.ts';
import {
  featureServiceSchema,
  isViewSelection,
  onDemandViewSchema,
  requestSchema,
} from './object-schemas.ts';
import { problemsOf } from './schema-problems.ts';

type View = BatchViewDefinition | OnDemandViewDefinition;

/** Everything wrong with an on-demand view; its inputs must be views of the repository. */
export function onDemandProblems(
  config: OnDemandViewDefinition['config'],
  inventory: Inventory,
): readonly FieldProblem[] {
  const problems = [...problemsOf(onDemandViewSchema, config)];
  const requestTypes = new Map<string, unknown>();
  for (const [input, given] of Object.entries(config?.inputs ?? {}) as readonly [string, unknown][]) {
    if (isDefinition(given) && given.kind === 'batch_view') {
      problems.push(...exported(given, `inputs.${input}`, inventory.batchViews));
    } else if (isRequest(given)) {
      problems.push(...problemsOf(requestSchema, given, ['inputs', input]));
      for (const [field, type] of Object.entries(given.fields ?? {})) {
        const before = requestTypes.get(field) ?? type;
        requestTypes.set(field, before);
        if (before === type) continue;
        problems.push({
          field: `inputs.${input}.fields.${field}`,
          message: `found ${String(type)}, while another input says ${String(before)}; allowed is one type for one request field`,
        });
      }
    }
  }
  return problems;
}

/** Everything wrong with a feature service: it uses views of the repository, each at one version. */
export function serviceProblems(
  config: { readonly features?: unknown } | undefined,
  inventory: Inventory,
): readonly FieldProblem[] {
  const problems = [...problemsOf(featureServiceSchema, config)];
  const versions = new Map<string, number>();
  const members: readonly unknown[] = Array.isArray(config?.features) ? config.features : [];
  for (const [index, member] of members.entries()) {
    const view = isViewSelection(member) ? member.view : member;
    if (!isDefinition(view) || (view.kind !== 'batch_view' && view.kind !== 'on_demand_view')) continue;
    const field = `features.${index}`;
    problems.push(...memberProblems(member, field, inventory));
    const { name, version } = view.config;
    const before = versions.get(name);
    if (before !== undefined && before !== version) {
      problems.push({
        field,
        message: `found view "${name}" at the versions ${before} and ${version}, allowed is one version of a view`,
      });
    }
    versions.set(name, version);
  }
  return problems;
}

/** Of a view or a pick of one: it is exported, and has the features picked. Anything else is a schema's to tell. */
export function memberProblems(
  member: unknown,
  field: string,
  { batchViews, onDemandViews }: Inventory,
): readonly FieldProblem[] {
  const view = isViewSelection(member) ? member.view : member;
  if (!isDefinition(view) || (view.kind !== 'batch_view' && view.kind !== 'on_demand_view')) return [];
  return [
    ...exported(view, field, [...batchViews, ...onDemandViews]),
    ...(isViewSelection(member) ? pickProblems(member.features, view, field) : []),
  ];
}

function pickProblems(picked: readonly string[], view: View, field: string): readonly FieldProblem[] {
  const known = featuresOf(view);
  if (picked.length === 0) {
    return [{ field, message: `found pick() of no feature, allowed are ${known.join(', ')}` }];
  }
  return picked
    .filter((feature) => !known.includes(feature))
    .map((feature) => {
      const near = nearest(String(feature), known);
      return {
        field,
        message: `found "${feature}", which is no feature of view "${view.config.name}"${near === undefined ? '' : ` (did you mean "${near}"?)`}; allowed are ${known.join(', ')}`,
      };
    });
}

function featuresOf({ config }: View): readonly string[] {
  const declared = 'aggregations' in config ? config.aggregations : config.features;
  return Object.keys(declared ?? {});
}

function exported(
  view: View,
  field: string,
  views: readonly { readonly definition: View }[],
): readonly FieldProblem[] {
  if (views.some(({ definition }) => definition === view)) return [];
  const id = formatViewVersion({ view: view.config?.name, version: view.config?.version });
  return [
    {
      field,
      message: `found view ${id}, which no file of this repository exports; allowed are exported views`,
    },
  ];
}

function isRequest(value: unknown): value is { readonly fields: Readonly<Record<string, unknown>> } {
  return value !== null && typeof value === 'object' && 'kind' in value && value.kind === 'request_source';
}
