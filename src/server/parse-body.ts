import { z } from 'zod';
import { type Problem, problemsError } from '../core/errors.ts';
import type { ExactJson } from '../core/exact-json.ts';
import { didYouMean } from '../core/nearest.ts';
import { foundJson } from '../serving/json-decoder.ts';

/** Values by column, lists of one length. */
export type Columns = Readonly<Record<string, readonly ExactJson[]>>;

/** The very columns that were sent: zod's own record leaves out one named `__proto__`, and copies all others. */
export const columns = z.unknown().transform((value, context): Columns => {
  if (value === null || typeof value !== 'object' || Array.isArray(value)) {
    context.addIssue({
      code: 'custom',
      message: 'expected an object of lists, such as {"user_id": [1, 2]}',
    });
    return z.NEVER;
  }
  for (const [name, column] of Object.entries(value)) {
    if (Array.isArray(column)) continue;
    context.addIssue({
      code: 'custom',
      path: [name],
      message: 'expected a list with one value for each row',
    });
  }
  return value as Columns;
});

const LISTED = 20;

/** REQUEST_INVALID with the problems of the body at once. */
export function parseBody<T>(schema: z.ZodType<T>, body: ExactJson | undefined): T {
  const parsed = schema.safeParse(body, { error: inWords });
  if (parsed.success) return parsed.data;
  const problems = parsed.error.issues.slice(0, LISTED).map(problemOf);
  throw problemsError('REQUEST_INVALID', 'Cannot read the request:', problems);
}

function problemOf({ path, message }: z.core.$ZodIssue): Problem {
  return { where: path.map(String).join('.').slice(0, 200) || 'body', message };
}

const EXPECTED: Readonly<Record<string, string>> = {
  string: 'text',
  boolean: 'true or false',
  array: 'a list',
  object: 'an object',
  record: 'an object',
};

/** Where the schema has no words of its own; undefined leaves it to zod. */
function inWords(issue: z.core.$ZodRawIssue): string | undefined {
  if (issue.code === 'unrecognized_keys') {
    const named = issue.keys.slice(0, LISTED).map((key) => `"${key.slice(0, 40)}"`);
    const more = issue.keys.length > LISTED ? ` and ${issue.keys.length - LISTED} more` : '';
    const [only = ''] = issue.keys.length === 1 ? issue.keys : [];
    const meant = issue.inst instanceof z.ZodObject ? didYouMean(only, Object.keys(issue.inst.shape)) : '';
    return `there is no field ${named.join(', ')}${more}${meant === '' ? '' : `.${meant}`}`;
  }
  if (issue.code === 'too_small' && issue.origin === 'string') return 'expected text that is not empty';
  if (issue.code !== 'invalid_type') return undefined;
  if ((issue.path ?? []).length === 0 && issue.expected === 'object') return 'expected a JSON object';
  const expected = EXPECTED[issue.expected] ?? issue.expected;
  return issue.input === undefined
    ? `is missing; expected ${expected}`
    : `found ${foundJson(issue.input as ExactJson)}; expected ${expected}`;
}
