/**
 * JSON as this process reads it: integers that a number cannot hold exactly are bigints, so int64 keys and values
 * survive. All other numbers are numbers, those of more than 40 digits too.
 */
export type ExactJson =
  | string
  | number
  | bigint
  | boolean
  | null
  | readonly ExactJson[]
  | { readonly [key: string]: ExactJson };

/** Only text with so long a run of digits can hold an integer beyond 2^53; the rest takes the fast way. */
const MAYBE_LARGE = /\d{16}/;
/** With more digits it is no integer of anybody's, and would take long to read. */
const INTEGER = /^-?\d{1,40}$/;

type SourceReviver = (key: string, value: unknown, context: { readonly source?: string }) => unknown;

/** Throws SyntaxError like JSON.parse. */
export function parseExactJson(text: string): ExactJson {
  if (!MAYBE_LARGE.test(text)) return JSON.parse(text) as ExactJson;
  const reviver: SourceReviver = (_key, value, { source }) =>
    typeof value === 'number' && !Number.isSafeInteger(value) && source !== undefined && INTEGER.test(source)
      ? BigInt(source)
      : value;
  return JSON.parse(text, reviver as Parameters<typeof JSON.parse>[1]) as ExactJson;
}
