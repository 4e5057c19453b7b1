import { TidemarkError } from '../core/errors.ts';
import { formatViewVersion } from '../core/feature-view.ts';
import { evaluateOnDemand, type OnDemandFunctions, onDemandFunctionOf } from '../core/on-demand.ts';
import type { OnDemandPart, ResolvedFeatures, ViewPart } from '../core/resolve-features.ts';
import type { Column } from '../core/source.ts';
import type { Value } from '../core/value-type.ts';
import type { ComputedColumns } from '../offline/as-of-engine.ts';
import { columnOf } from './read-views.ts';

/** What of a resolution functions are bound by; a manifest records it. */
export interface ComputedParts extends Pick<ResolvedFeatures, 'outputs' | 'onDemand'> {
  readonly parts: readonly Pick<ViewPart, 'features'>[];
}

/**
 * On-demand views as columns of a training set (rule 9 of the as-of join): the same function as in serving, with spine
 * columns as request data. Where serving marks a feature, a failing function here ends the build.
 */
export function onDemandColumns(
  resolved: ComputedParts,
  functions: OnDemandFunctions,
): readonly ComputedColumns[] {
  return resolved.onDemand.map((part, index) => {
    const { view } = part;
    const transform = onDemandFunctionOf(functions, view);
    if (transform === undefined) {
      throw new TidemarkError(
        'DEFINITION_INVALID',
        `Cannot compute view "${view.name}" at version ${view.version}: its function is not in this feature repository as this process loaded it. A worker that runs since before it was defined has to be started again.`,
      );
    }
    const name = formatViewVersion({ view: view.name, version: view.version });
    const { columns, inputsOf } = bindInputs(resolved, part);
    const asked = resolved.outputs.filter(({ from }) => from.kind === 'onDemand' && from.part === index);
    const positions = asked.map(({ feature }) => view.features.findIndex((one) => one.name === feature.name));
    return {
      name,
      inputs: columns,
      outputs: asked.map((output) => ({ name: output.name, type: output.feature.type })),
      compute(values, row) {
        const result = evaluateOnDemand(view, transform, inputsOf(values, row));
        if (!result.ok) {
          throw new TidemarkError(
            'DEFINITION_INVALID',
            `Cannot compute view "${view.name}" at version ${view.version} for row ${row + 1} of the spine: ${result.error}.`,
          );
        }
        return positions.map((at) => result.values[at] ?? null);
      },
    };
  });
}

/** Which columns a view's function reads, and how its inputs are made of a row of them. */
function bindInputs(resolved: ComputedParts, { view, inputs }: OnDemandPart) {
  const columns: Column[] = [];
  const place = (column: Column): number => {
    const at = columns.findIndex(({ name }) => name === column.name);
    return at === -1 ? columns.push(column) - 1 : at;
  };
  const readers = inputs.map((binding) => {
    if (binding.kind === 'request') {
      const fields = binding.fields.map((field) => ({ name: field.name, at: place(field) }));
      return { input: binding.input, required: true, fields };
    }
    const fields = binding.features.map(({ name, slot }) => {
      const type = resolved.parts[slot.part]?.features[slot.feature]?.type ?? 'string';
      return { name, at: place({ name: columnOf(resolved, slot.part, slot.feature), type }) };
    });
    return { input: binding.input, required: false, fields };
  });
  const inputsOf = (values: readonly Value[], row: number) => {
    const given: Record<string, Readonly<Record<string, Value>>> = {};
    for (const { input, required, fields } of readers) {
      const record: Record<string, Value> = {};
      for (const { name, at } of fields) {
        const value = values[at] ?? null;
        if (required && value === null) {
          throw new TidemarkError(
            'SPINE_INVALID',
            `Cannot use the spine: row ${row + 1} has no "${name}", which view "${view.name}" needs as request data.`,
          );
        }
        record[name] = value;
      }
      given[input] = record;
    }
    return given;
  };
  return { columns, inputsOf };
}
