import type { z } from 'zod';
import { type Definition, isDefinition } from '../define/definition.ts';
import type { FieldProblem } from './finding.ts';

/**
 * Checks a value against a schema whose messages say what is allowed, and puts what was found before them. A message
 * that begins with `!` is a sentence of its own.
 */
export function problemsOf(
  schema: z.ZodType,
  value: unknown,
  field: readonly string[] = [],
): readonly FieldProblem[] {
  const parsed = schema.safeParse(value);
  if (parsed.success) return [];
  return parsed.error.issues.map((issue) => {
    const path = issue.path.map(String);
    const place = [...field, ...path].join('.') || 'config';
    if (issue.code === 'invalid_key') {
      const allowed = issue.issues[0]?.message ?? 'another name';
      return { field: place, message: `found the name ${show(path.at(-1))}, allowed is ${allowed}` };
    }
    if (issue.message.startsWith('!')) return { field: place, message: issue.message.slice(1) };
    return { field: place, message: `found ${show(valueAt(value, path))}, allowed is ${issue.message}` };
  });
}

const DEFINITIONS: Readonly<Record<Definition['kind'], string>> = {
  project: 'a project',
  entity: 'an entity',
  file_source: 'a source',
  postgres_source: 'a source',
  push_source: 'a source',
  batch_view: 'a batch view',
  on_demand_view: 'an on-demand view',
  feature_service: 'a feature service',
  training_set_schedule: 'a training set schedule',
};

/** A value as a person would call it, in one short line. */
export function show(value: unknown): string {
  if (value === undefined) return 'nothing';
  if (typeof value === 'string')
    return JSON.stringify(value.length > 60 ? `${value.slice(0, 57)}...` : value);
  if (typeof value === 'function') return 'a function';
  if (Array.isArray(value)) return value.length === 0 ? 'an empty list' : 'a list';
  if (isDefinition(value)) return DEFINITIONS[value.kind];
  if (value instanceof Date) return 'a Date';
  if (value !== null && typeof value === 'object') {
    return Object.keys(value).length === 0 ? 'an empty object' : 'an object';
  }
  return String(value);
}

function valueAt(value: unknown, path: readonly string[]): unknown {
  let at: unknown = value;
  for (const key of path) {
    if (at === null || typeof at !== 'object') return undefined;
    at = (at as Readonly<Record<string, unknown>>)[key];
  }
  return at;
}
