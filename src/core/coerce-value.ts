import { fromMillis, parseTime } from './time.ts';
import { type ScalarType, type Value, type ValueType, valueTypeOf } from './value-type.ts';

const INT32 = 2 ** 31;
const INT64 = 2n ** 63n;

/**
 * What a person's function returned, as an exact value of a type: `3` for an int64 becomes `3n`, a Date a timestamp.
 * Undefined when it does not fit; nothing is rounded but floats to their width.
 */
export function coerceValue(value: unknown, type: ValueType): Value | undefined {
  if (value === null) return null;
  const parsed = valueTypeOf(type);
  switch (parsed.kind) {
    case 'scalar':
      return coerceScalar(value, parsed.type);
    case 'array': {
      if (!Array.isArray(value)) return undefined;
      const items: Value[] = [];
      for (const item of value as readonly unknown[]) {
        const coerced = item === null ? null : coerceScalar(item, parsed.element);
        if (coerced === undefined) return undefined;
        items.push(coerced);
      }
      return items;
    }
    case 'vector': {
      const numbers = value instanceof Float32Array || value instanceof Float64Array ? [...value] : value;
      if (!Array.isArray(numbers) || numbers.length !== parsed.size) return undefined;
      return numbers.every((item) => typeof item === 'number') ? Float32Array.from(numbers) : undefined;
    }
  }
}

function coerceScalar(value: unknown, type: ScalarType): Exclude<Value, null> | undefined {
  switch (type) {
    case 'bool':
      return typeof value === 'boolean' ? value : undefined;
    case 'int32': {
      const number = typeof value === 'bigint' ? Number(value) : value;
      return typeof number === 'number' && Number.isInteger(number) && number >= -INT32 && number < INT32
        ? number + 0
        : undefined;
    }
    case 'int64': {
      const integer =
        typeof value === 'number' && Number.isSafeInteger(value) ? BigInt(value) : (value as unknown);
      return typeof integer === 'bigint' && integer >= -INT64 && integer < INT64 ? integer : undefined;
    }
    case 'float32':
    case 'float64': {
      const number = typeof value === 'bigint' && isSafe(value) ? Number(value) : value;
      if (typeof number !== 'number') return undefined;
      return type === 'float32' ? Math.fround(number) : number;
    }
    case 'string':
      return typeof value === 'string' ? value : undefined;
    case 'json':
      return jsonText(value);
    case 'bytes':
      return value instanceof Uint8Array ? value : undefined;
    case 'timestamp':
      if (value instanceof Date)
        return Number.isNaN(value.getTime()) ? undefined : fromMillis(value.getTime());
      return typeof value === 'bigint' && value >= -INT64 && value < INT64 ? value : undefined;
    case 'date':
      return dateText(value);
  }
}

/** A string is JSON text already; anything else is written as JSON. */
function jsonText(value: unknown): string | undefined {
  try {
    if (typeof value !== 'string') return JSON.stringify(value);
    JSON.parse(value);
    return value;
  } catch {
    return undefined;
  }
}

function dateText(value: unknown): string | undefined {
  if (value instanceof Date && !Number.isNaN(value.getTime())) return value.toISOString().slice(0, 10);
  if (typeof value !== 'string' || !/^\d{4}-\d{2}-\d{2}$/.test(value)) return undefined;
  return parseTime(value) === undefined ? undefined : value;
}

function isSafe(value: bigint): boolean {
  return value >= BigInt(Number.MIN_SAFE_INTEGER) && value <= BigInt(Number.MAX_SAFE_INTEGER);
}
