import { z } from 'zod';
import { nearest } from '../core/nearest.ts';
import { parseSchedule } from '../core/schedule.ts';
import { parseDuration, parseTime } from '../core/time.ts';
import { isValueType, KEY_TYPES, SCALAR_TYPES } from '../core/value-type.ts';

/** Schemas of single fields. Their messages say what is allowed; `problemsOf` says what was found. */

const NAME = 'a name of lower-case letters, digits and underscores that begins with a letter (at most 63)';
export const name = z.string(NAME).regex(/^[a-z][a-z0-9_]{0,62}$/, NAME);

const VERSION = 'a whole number from 1';
export const version = z.int(VERSION).min(1, VERSION).max(1_000_000, VERSION);

const TEXT = 'text that is not empty';
export const text = z.string(TEXT).refine((value) => value.trim() !== '', TEXT);

// What was found is not repeated: it may hold credentials.
const PATH =
  '!found an address that is not s3://bucket/path; allowed is a path, a glob or such an address (credentials come from the environment)';
/** What follows a `?` in an address would be settings, among them credentials. */
export const filePath = text.refine(
  (value) => !/^[a-z][a-z0-9+.-]*:\/\//i.test(value) || /^s3:\/\/[^?@]+$/.test(value),
  PATH,
);

const VARIABLE =
  '!found no name of an environment variable; allowed is one such as WAREHOUSE_URL, which holds the address (the address itself does not belong here)';
export const variableName = z.string(VARIABLE).regex(/^[A-Za-z_]\w*$/, VARIABLE);

const COLUMN = 'the name of a source column';
export const columnName = z.string(COLUMN).refine((value) => value.trim() !== '', COLUMN);

const DURATION = 'a duration such as 90s, 10m, 26h or 7d';
export const duration = z.string(DURATION).refine((value) => parseDuration(value) !== undefined, DURATION);

const LONGER = 'a duration above zero such as 90s, 10m, 26h or 7d';
export const positiveDuration = z.string(LONGER).refine((value) => (parseDuration(value) ?? 0n) > 0n, LONGER);

const TIME = 'an ISO 8601 time such as 2026-01-01T00:00:00Z';
export const time = z.string(TIME).refine((value) => parseTime(value) !== undefined, TIME);

const CRON = 'a cron expression of five fields such as "0 * * * *" (read in UTC)';
export const cron = z.string(CRON).superRefine((value, ctx) => {
  const parsed = parseSchedule(value);
  if (!parsed.ok) ctx.addIssue({ code: 'custom', message: `${CRON}; ${parsed.reason}` });
});

const TYPE = `one of ${SCALAR_TYPES.join(', ')}, array<one of these> or vector(n)`;
export const valueType = z.string(TYPE).refine(isValueType, TYPE);

export const keyType = z.enum(KEY_TYPES, `one of ${KEY_TYPES.join(', ')}`);

/** Names to something, at least one. */
export function named(values: z.ZodType, what: string) {
  const allowed = `an object of ${what} by name, at least one`;
  return z
    .record(name, values, allowed)
    .refine((record) => Object.keys(record).length > 0, { message: allowed, abort: true });
}

export const flag = z.boolean('true or false');

/** An object with exactly these fields; another one is an error that tells the nearest. */
export function fields<Shape extends z.core.$ZodLooseShape>(shape: Shape) {
  const allowed = Object.keys(shape);
  return z.strictObject(shape, {
    error: (issue) =>
      issue.code === 'unrecognized_keys'
        ? `!${unknownFields(issue.keys, allowed)}`
        : `an object with the fields ${allowed.join(', ')}`,
  });
}

export function unknownFields(unknown: readonly string[], allowed: readonly string[]): string {
  const each = unknown.map((key) => {
    const near = nearest(key, allowed);
    return near === undefined ? `"${key}"` : `"${key}" (did you mean "${near}"?)`;
  });
  return `found the unknown field${each.length > 1 ? 's' : ''} ${each.join(', ')}; allowed are ${allowed.join(', ')}`;
}

/** What every definition may say about itself. */
export const metadata = {
  description: z.string('text').optional(),
  owner: z.string('text').optional(),
  tags: z.record(z.string(), z.string('text'), { error: 'an object of texts' }).optional(),
};
