import type { ExactJson } from '../core/exact-json.ts';
import { parseTime } from '../core/time.ts';
import { type ScalarType, type Value, type ValueType, valueTypeOf } from '../core/value-type.ts';

/** Undefined when the JSON is no value of the type; JSON's null is the value null. */
export type JsonDecoder = (json: ExactJson) => Value | undefined;

/**
 * Reads values as `jsonEncoder` writes them with `iso` timestamps, and as people write them: int64 also as decimal
 * text (what languages without exact integers send), timestamps as any ISO 8601 time.
 */
export function jsonDecoder(type: ValueType): JsonDecoder {
  const parsed = valueTypeOf(type);
  switch (parsed.kind) {
    case 'scalar':
      return orNull(scalarDecoder(parsed.type));
    case 'array': {
      const element = orNull(scalarDecoder(parsed.element));
      return orNull((json) => decodeAll(json, element));
    }
    case 'vector': {
      const element = scalarDecoder('float32');
      return orNull((json) => {
        const values = decodeAll(json, element);
        if (values === undefined || values.length !== parsed.size) return undefined;
        return Float32Array.from(values, Number);
      });
    }
  }
}

/** What a value of the type looks like in a request, for error messages. */
export function allowedJson(type: ValueType): string {
  const parsed = valueTypeOf(type);
  if (parsed.kind === 'array') return `a list, of which each is null or ${ALLOWED[parsed.element]}`;
  if (parsed.kind === 'vector') return `a list of ${parsed.size} numbers that 32 bits can hold`;
  return ALLOWED[parsed.type];
}

/**
 * Why JSON is no value of the type, for error messages: what was found, in a list the first such element, and what is
 * allowed. `decode`: what refused it, if not the type's own decoder.
 */
export function wrongJson(json: ExactJson, type: ValueType, decode = jsonDecoder(type)): string {
  const allowed = `allowed is ${allowedJson(type)}.`;
  const found = (one: ExactJson) => {
    const inexact = /int/.test(type) && typeof one === 'number' && isInexact(one);
    return `found ${foundJson(one)}${inexact ? ', which is no exact integer' : ''}`;
  };
  if (Array.isArray(json)) {
    const at = (json as readonly ExactJson[]).findIndex((one) => isWrongElement(one, type, decode));
    if (at !== -1) return `${found(json[at] as ExactJson)} at [${at}]; ${allowed}`;
  }
  return `${found(json)}; ${allowed}`;
}

function isWrongElement(json: ExactJson, type: ValueType, decode: JsonDecoder): boolean {
  const { kind } = valueTypeOf(type);
  if (kind === 'vector') return json === null || scalarDecoder('float32')(json) === undefined;
  return kind === 'array' && decode([json]) === undefined;
}

function isInexact(json: number): boolean {
  return Number.isInteger(json) && !Number.isSafeInteger(json);
}

/** What stands in a request instead, for error messages: short, for it may be somebody's data. */
export function foundJson(json: ExactJson): string {
  if (json === null) return 'null';
  if (Array.isArray(json)) return `a list of ${json.length}`;
  if (typeof json === 'object') return 'an object';
  if (typeof json === 'string') {
    return json.isWellFormed()
      ? `the text ${JSON.stringify(cut(json))}`
      : 'text with half of a surrogate pair';
  }
  if (typeof json !== 'number' || Number.isSafeInteger(json)) return cut(String(json));
  return Number.isFinite(json) ? String(json) : 'a number that is too large';
}

function cut(text: string): string {
  return text.length > 40 ? `${text.slice(0, 40)}…` : text;
}

const ALLOWED: Readonly<Record<ScalarType, string>> = {
  bool: 'true or false',
  int32: 'an integer of 32 bits',
  int64: 'an integer of 64 bits (as a number or as decimal text)',
  float32: 'a number that 32 bits can hold',
  float64: 'a number',
  string: 'text',
  bytes: 'bytes as base64 text',
  timestamp: 'an ISO 8601 time such as "2026-01-31T12:00:00Z"',
  date: 'a date such as "2026-01-31"',
  json: 'text that is JSON',
};

function orNull(decode: JsonDecoder): JsonDecoder {
  return (json) => (json === null ? null : decode(json));
}

function decodeAll(json: ExactJson, element: JsonDecoder): readonly Value[] | undefined {
  if (!Array.isArray(json)) return undefined;
  const values: Value[] = [];
  for (const item of json as readonly ExactJson[]) {
    const value = element(item);
    if (value === undefined) return undefined;
    values.push(value);
  }
  return values;
}

function scalarDecoder(type: ScalarType): JsonDecoder {
  switch (type) {
    case 'bool':
      return (json) => (typeof json === 'boolean' ? json : undefined);
    case 'int32':
      return (json) =>
        typeof json === 'number' && Number.isInteger(json) && (json | 0) === json ? json + 0 : undefined;
    case 'int64':
      return int64;
    case 'float64':
      return float;
    case 'float32':
      return float32;
    case 'string':
      return (json) => (typeof json === 'string' && json.isWellFormed() ? json : undefined);
    case 'bytes':
      return (json) =>
        typeof json === 'string' && BASE64.test(json) ? Buffer.from(json, 'base64') : undefined;
    case 'timestamp':
      return (json) => (typeof json === 'string' ? parseTime(json) : undefined);
    case 'date':
      return (json) => (typeof json === 'string' && isDate(json) ? json : undefined);
    case 'json':
      return (json) => (typeof json === 'string' && isJson(json) ? json : undefined);
  }
}

const BASE64 = /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/;
const INT64_TEXT = /^-?\d{1,19}$/;

function int64(json: ExactJson): bigint | undefined {
  // A number that is not a safe integer has lost its digits already: it could name another entity.
  if (typeof json === 'number') return Number.isSafeInteger(json) ? BigInt(json) : undefined;
  const value = typeof json === 'string' && INT64_TEXT.test(json) ? BigInt(json) : json;
  return typeof value === 'bigint' && BigInt.asIntN(64, value) === value ? value : undefined;
}

function float(json: ExactJson): number | undefined {
  // JSON has no infinity: such a number was too large for a float, as 1e400 is.
  if (typeof json === 'number') return Number.isFinite(json) ? json : undefined;
  if (typeof json === 'bigint') return float(Number(json));
  return json === 'NaN' || json === 'Infinity' || json === '-Infinity' ? Number(json) : undefined;
}

function float32(json: ExactJson): number | undefined {
  const value = float(json);
  if (value === undefined) return undefined;
  const rounded = Math.fround(value);
  return Number.isFinite(rounded) || !Number.isFinite(value) ? rounded : undefined;
}

function isDate(text: string): boolean {
  // SQL has no year 0: what is one to ISO 8601 would be another text when it comes back.
  return /^(?!0000)\d{4}-\d{2}-\d{2}$/.test(text) && parseTime(text) !== undefined;
}

/** `JSON.stringify` escapes half of a surrogate pair, and no other letter; DuckDB takes no such JSON. */
const HALF_A_PAIR = /(?<!\\)(?:\\\\)*\\ud[89a-f]/;

function isJson(text: string): boolean {
  if (!text.isWellFormed()) return false;
  try {
    const value: unknown = JSON.parse(text);
    return !text.includes('\\u') || !HALF_A_PAIR.test(JSON.stringify(value));
  } catch {
    return false;
  }
}
