import type { z } from 'zod';
import * as field from './field-schemas.ts';

/** What tells a row's time: `timestampField`, or `validFrom` with `validTo` (which of them is `refuseMixedTimes`'s). */
export const rowTimeFields = {
  timestampField: field.columnName.optional(),
  validFrom: field.columnName.optional(),
  validTo: field.columnName.optional(),
};

interface RowTimeFields {
  readonly timestampField?: string | undefined;
  readonly validFrom?: string | undefined;
  readonly validTo?: string | undefined;
}

/** For `superRefine`: exactly one of the two forms. */
export function refuseMixedTimes(
  { timestampField, validFrom, validTo }: RowTimeFields,
  ctx: z.RefinementCtx<unknown>,
): void {
  const refuse = (path: string, message: string) =>
    ctx.addIssue({ code: 'custom', path: [path], message: `!${message}` });
  const given = [
    ...(validFrom === undefined ? [] : ['validFrom']),
    ...(validTo === undefined ? [] : ['validTo']),
  ];
  if (timestampField !== undefined && given.length > 0) {
    refuse('timestampField', `found timestampField beside ${given.join(' and ')}, ${TWO_FORMS}`);
  } else if (timestampField === undefined && given.length === 0) {
    refuse('timestampField', `found nothing, ${TWO_FORMS}`);
  } else if (timestampField === undefined && validFrom === undefined) {
    refuse('validFrom', `found validTo without validFrom, ${TWO_FORMS}`);
  } else if (timestampField === undefined && validTo === undefined) {
    refuse('validTo', `found validFrom without validTo, ${TWO_FORMS}`);
  } else if (validFrom !== undefined && validFrom === validTo) {
    refuse('validTo', `found "${validTo}", the column of validFrom; allowed is the column of the ends`);
  }
}

const TWO_FORMS =
  'allowed is one of: timestampField, the name of a source column; validFrom with validTo, of rows that are true for a time';
