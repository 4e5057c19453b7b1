import { formatTime, micros } from '../core/time.ts';
import {
  type ParsedType,
  type ScalarType,
  type Value,
  type ValueType,
  valueTypeOf,
} from '../core/value-type.ts';

/**
 * How values look in JSON. Both are exact for int64 (digits, never a rounded number), write bytes as base64, json
 * as its text, and what JSON has no number for as the strings "NaN", "Infinity" and "-Infinity". They differ in
 * timestamps only: Feast's have whole seconds since 1970 (rounded down), `iso` keeps microseconds.
 */
export type TimestampStyle = 'feast' | 'iso';

/** The JSON text of a value. */
export type JsonEncoder = (value: Value) => string;

export function jsonEncoder(type: ValueType, timestamps: TimestampStyle): JsonEncoder {
  const parsed: ParsedType = valueTypeOf(type);
  switch (parsed.kind) {
    case 'scalar':
      return orNull(scalarEncoder(parsed.type, timestamps));
    case 'array': {
      const element = orNull(scalarEncoder(parsed.element, timestamps));
      return orNull((value) => {
        if (!Array.isArray(value)) throw mismatch(type, value);
        return `[${value.map(element).join(',')}]`;
      });
    }
    case 'vector':
      return orNull((value) => {
        if (!(value instanceof Float32Array)) throw mismatch(type, value);
        return `[${Array.from(value, floatText).join(',')}]`;
      });
  }
}

function orNull(encode: JsonEncoder): JsonEncoder {
  return (value) => (value === null ? 'null' : encode(value));
}

function scalarEncoder(type: ScalarType, timestamps: TimestampStyle): JsonEncoder {
  switch (type) {
    case 'bool':
      return (value) => (value === true ? 'true' : 'false');
    case 'int32':
    case 'int64':
      return (value) => String(value);
    case 'float32':
    case 'float64':
      return (value) => (typeof value === 'number' ? floatText(value) : String(value));
    case 'string':
    case 'date':
    case 'json':
      return (value) => JSON.stringify(value);
    case 'bytes':
      return (value) => {
        if (!(value instanceof Uint8Array)) throw mismatch(type, value);
        const { buffer, byteOffset, byteLength } = value;
        return `"${Buffer.from(buffer, byteOffset, byteLength).toString('base64')}"`;
      };
    case 'timestamp':
      return (value) => {
        if (typeof value !== 'bigint') throw mismatch(type, value);
        return timestamps === 'iso' ? `"${formatTime(micros(value))}"` : wholeSeconds(value);
      };
  }
}

function floatText(value: number): string {
  if (Number.isFinite(value)) return Object.is(value, -0) ? '-0' : String(value);
  return `"${value}"`;
}

function wholeSeconds(time: bigint): string {
  return ((time - (((time % 1_000_000n) + 1_000_000n) % 1_000_000n)) / 1_000_000n).toString();
}

function mismatch(type: ValueType, value: Value): TypeError {
  return new TypeError(`a ${typeof value} stands where a ${type} belongs`);
}
