import { coerceValue } from './coerce-value.ts';
import { messageOf } from './errors.ts';
import { formatViewVersion, type OnDemandViewSpec } from './feature-view.ts';
import type { Value } from './value-type.ts';

/** What a function is given: by input name, then by feature or request field. Missing features are null. */
export type OnDemandInputValues = Readonly<Record<string, Readonly<Record<string, Value>>>>;

/** The user's function of an on-demand view, the same one in training and in serving. */
export type OnDemandTransform = (inputs: OnDemandInputValues) => Readonly<Record<string, unknown>>;

/** The functions of a feature repository, by `view@v1`. */
export type OnDemandFunctions = ReadonlyMap<string, OnDemandTransform>;

export type OnDemandResult =
  /** In the order of the view's features. */
  | { readonly ok: true; readonly values: readonly Value[] }
  /** A clause: what the function did wrong. */
  | { readonly ok: false; readonly error: string };

export function onDemandFunctionOf(
  functions: OnDemandFunctions,
  view: OnDemandViewSpec,
): OnDemandTransform | undefined {
  return functions.get(formatViewVersion({ view: view.name, version: view.version }));
}

/** Calls the function once; whatever it throws or returns, the answer is values of the declared types or a reason. */
export function evaluateOnDemand(
  view: OnDemandViewSpec,
  transform: OnDemandTransform,
  inputs: OnDemandInputValues,
): OnDemandResult {
  let outputs: unknown;
  try {
    outputs = transform(withOneZero(inputs));
  } catch (error) {
    return { ok: false, error: `it threw: ${messageOf(error)}` };
  }
  if (outputs === null || typeof outputs !== 'object' || Array.isArray(outputs)) {
    return { ok: false, error: `it returned ${describe(outputs)} where an object of features is expected` };
  }
  if (outputs instanceof Promise) {
    // Its failure is answered here, not as an unhandled rejection.
    outputs.catch(() => {});
    return { ok: false, error: 'it returned a promise; a transform must not be async' };
  }
  const given = outputs as Readonly<Record<string, unknown>>;
  const values: Value[] = [];
  for (const { name, type } of view.features) {
    const output = given[name];
    if (output === undefined) return { ok: false, error: `it returned no "${name}"` };
    const value = coerceValue(output, type);
    if (value === undefined) {
      return { ok: false, error: `it returned ${describe(output)} for "${name}", which is ${type}` };
    }
    values.push(oneZero(value));
  }
  for (const name of Object.keys(given)) {
    if (!view.features.some((feature) => feature.name === name)) {
      return { ok: false, error: `it returned "${name}", which is not one of its features` };
    }
  }
  return { ok: true, values };
}

/**
 * Zero has one sign, as in the files of the offline store: neither Parquet nor every client's JSON keeps it, and a
 * function must be given the same in training and in serving (`1 / -0` is another infinity than `1 / 0`).
 */
function oneZero(value: Value): Value {
  if (value === 0) return 0;
  if (value instanceof Float32Array) return value.includes(0) ? value.map((item) => item + 0) : value;
  if (Array.isArray(value)) return value.includes(0) ? value.map((item) => (item === 0 ? 0 : item)) : value;
  return value;
}

/** Values are hardly ever zeros of the other sign, and stay where they are. */
function withOneZero(inputs: OnDemandInputValues): OnDemandInputValues {
  let copied: Record<string, Readonly<Record<string, Value>>> | undefined;
  for (const [input, values] of Object.entries(inputs)) {
    for (const name in values) {
      const value = values[name] ?? null;
      const same = oneZero(value);
      if (Object.is(same, value)) continue;
      copied ??= { ...inputs };
      copied[input] = { ...copied[input], [name]: same };
    }
  }
  return copied ?? inputs;
}

/** Never the text of a value longer than a name: it may be somebody's data. */
function describe(value: unknown): string {
  if (value === null || value === undefined) return String(value);
  if (typeof value === 'number' || typeof value === 'bigint' || typeof value === 'boolean')
    return String(value);
  if (Array.isArray(value)) return `an array of ${value.length}`;
  return `${typeof value === 'object' ? 'an' : 'a'} ${typeof value}`;
}
