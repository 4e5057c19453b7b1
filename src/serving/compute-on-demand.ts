import { evaluateOnDemand, type OnDemandFunctions, onDemandFunctionOf } from '../core/on-demand.ts';
import type { OnDemandBinding, OnDemandPart } from '../core/resolve-features.ts';
import type { FeatureStatus } from '../core/rows.ts';
import type { Value } from '../core/value-type.ts';
import type { ReadPlan } from './read-plan.ts';
import type { PartRows } from './serve-rows.ts';

/** An on-demand view whose function failed: its own features are INVALID in those rows, all others are served. */
export interface OnDemandFailure {
  readonly view: string;
  readonly version: number;
  readonly rows: number;
  /** Of the first of them. */
  readonly error: string;
}

export interface OnDemandColumn {
  readonly values: readonly Value[];
  readonly statuses: readonly FeatureStatus[];
}

export interface OnDemandWork {
  readonly parts: readonly PartRows[];
  readonly inputs: readonly (readonly Value[])[];
  readonly rows: number;
  readonly functions: OnDemandFunctions;
  readonly includeExpired: boolean;
}

/** Columns stand by on-demand part and asked feature. */
export function computeOnDemand(
  plan: ReadPlan,
  work: OnDemandWork,
): {
  readonly columns: readonly (readonly OnDemandColumn[])[];
  readonly failures: readonly OnDemandFailure[];
} {
  const failures: OnDemandFailure[] = [];
  const columns = plan.resolved.onDemand.map((part) => {
    const { columns, failed, error } = computePart(plan, part, work);
    const { name: view, version } = part.view;
    if (failed > 0) failures.push({ view, version, rows: failed, error });
    return columns;
  });
  return { columns, failures };
}

function computePart(plan: ReadPlan, { view, features, inputs }: OnDemandPart, work: OnDemandWork) {
  const columns = features.map(({ name }) => ({
    position: view.features.findIndex((one) => one.name === name),
    values: new Array<Value>(work.rows).fill(null),
    statuses: new Array<FeatureStatus>(work.rows).fill('INVALID'),
  }));
  const transform = onDemandFunctionOf(work.functions, view);
  if (transform === undefined) {
    return {
      columns,
      failed: work.rows,
      error: 'its function is not in the feature repository of this server',
    };
  }
  const readers = inputs.map((binding) => [binding.input, inputReader(plan, binding, work)] as const);
  let failed = 0;
  let error = '';
  for (let row = 0; row < work.rows; row++) {
    const given: Record<string, Readonly<Record<string, Value>>> = {};
    for (const [name, read] of readers) given[name] = read(row);
    const result = evaluateOnDemand(view, transform, given);
    if (!result.ok) {
      if (failed === 0) error = result.error;
      failed += 1;
      continue;
    }
    for (const column of columns) {
      const value = result.values[column.position] ?? null;
      column.values[row] = value;
      column.statuses[row] = value === null ? 'NULL_VALUE' : 'PRESENT';
    }
  }
  return { columns, failed, error };
}

function inputReader(
  plan: ReadPlan,
  binding: OnDemandBinding,
  { parts, inputs, includeExpired }: OnDemandWork,
): (row: number) => Readonly<Record<string, Value>> {
  if (binding.kind === 'request') {
    const fields = binding.fields.map(({ name, type }) => {
      const at = plan.inputs.findIndex(
        (one) => one.name === name && one.type === type && one.role === 'request',
      );
      return { name, column: inputs[at] ?? [] };
    });
    return (row) => Object.fromEntries(fields.map(({ name, column }) => [name, column[row] ?? null]));
  }
  const features = binding.features.map(({ name, slot }) => ({
    name,
    part: parts[slot.part],
    position: parts[slot.part]?.positions[slot.feature] ?? -1,
  }));
  return (row) =>
    Object.fromEntries(
      features.map(({ name, part, position }) => {
        const withheld = part?.expired[row] === 1 && !includeExpired;
        return [name, withheld ? null : (part?.rows[row]?.values[position] ?? null)];
      }),
    );
}
