import type { ErrorCode, Problem } from '../core/errors.ts';
import { problemsError, type TidemarkError } from '../core/errors.ts';
import type { Definition } from '../define/definition.ts';
import type { LoadedDefinition } from '../repo/load-repo.ts';

/** A mistake in a definition, or in how it fits its source. */
export interface Finding extends Problem {
  readonly code: Extract<ErrorCode, 'DEFINITION_INVALID' | 'SOURCE_UNREADABLE' | 'SOURCE_SCHEMA_MISMATCH'>;
}

/** What is wrong with one field: `field` is a path such as `aggregations.orders_7d.window`. */
export interface FieldProblem {
  readonly field: string;
  readonly message: string;
}

const WORDS: Readonly<Record<Definition['kind'], string>> = {
  project: 'project',
  entity: 'entity',
  file_source: 'source',
  postgres_source: 'source',
  push_source: 'source',
  batch_view: 'batch view',
  on_demand_view: 'on-demand view',
  feature_service: 'feature service',
  training_set_schedule: 'training set schedule',
};

/** `views.ts, batch view "orders"`: with a version where an object has several. */
export function placeOf({ definition, file, exportName }: LoadedDefinition): string {
  // Nothing is checked yet when a place is named: a config may be anything.
  const config:
    | { readonly name?: unknown; readonly version?: unknown; readonly stream?: unknown }
    | undefined = definition.config;
  const name = typeof config?.name === 'string' ? `"${config.name}"` : `exported as ${exportName}`;
  const version = typeof config?.version === 'number' && config.version !== 1 ? ` v${config.version}` : '';
  return `${file}, ${config?.stream === true ? 'stream view' : WORDS[definition.kind]} ${name}${version}`;
}

export function finding(at: LoadedDefinition, field: string, message: string): Finding {
  return { code: 'DEFINITION_INVALID', where: `${placeOf(at)}, ${field}`, message };
}

/** One error for all of them. Mistakes in definitions decide its code, then sources that cannot be read. */
export function findingsError(project: string, findings: readonly Finding[]): TidemarkError {
  const codes = ['DEFINITION_INVALID', 'SOURCE_UNREADABLE', 'SOURCE_SCHEMA_MISMATCH'] as const;
  const code = codes.find((each) => findings.some((one) => one.code === each)) ?? 'DEFINITION_INVALID';
  const count = findings.length === 1 ? 'one problem' : `${findings.length} problems`;
  return problemsError(code, `Cannot plan project "${project}": ${count} found.`, findings);
}
