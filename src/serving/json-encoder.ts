import { micros } from '../core/time.ts';
import {
  type ParsedType,
  type ScalarType,
  type Value,
  type ValueType,
  valueTypeOf,
} from '../core/value-type.ts';
import { JsonWriter } from './json-writer.ts';

/**
 * How values look in JSON. Both are exact for int64 (digits, never a rounded number), write bytes as base64, json
 * as its text, and what JSON has no number for as the strings "NaN", "Infinity" and "-Infinity". They differ in
 * timestamps only: Feast's have whole seconds since 1970 (rounded down), `iso` keeps microseconds.
 */
export type TimestampStyle = 'feast' | 'iso';

/** Appends the JSON of a value. Throws TypeError when it is not of the type. */
export type ValueWriter = (writer: JsonWriter, value: Value) => void;

/** The JSON text of a value. */
export function jsonEncoder(type: ValueType, timestamps: TimestampStyle): (value: Value) => string {
  const write = valueWriter(type, timestamps);
  return (value) => {
    const writer = new JsonWriter(256);
    write(writer, value);
    return writer.finish().toString();
  };
}

/** Made once for a type; writes without looking at it again. */
export function valueWriter(type: ValueType, timestamps: TimestampStyle): ValueWriter {
  const parsed: ParsedType = valueTypeOf(type);
  switch (parsed.kind) {
    case 'scalar':
      return orNull(scalarWriter(parsed.type, timestamps));
    case 'array': {
      const element = orNull(scalarWriter(parsed.element, timestamps));
      return orNull((writer, value) => {
        if (!Array.isArray(value)) throw mismatch(type, value);
        writeList(writer, value as readonly Value[], element);
      });
    }
    case 'vector': {
      const element: ValueWriter = (writer, value) => writer.float(Number(value));
      return orNull((writer, value) => {
        if (!(value instanceof Float32Array)) throw mismatch(type, value);
        writeList(writer, value, element);
      });
    }
  }
}

function writeList(writer: JsonWriter, values: ArrayLike<Value>, write: ValueWriter): void {
  writer.ascii('[');
  for (let i = 0; i < values.length; i++) {
    if (i > 0) writer.ascii(',');
    write(writer, values[i] ?? null);
  }
  writer.ascii(']');
}

function orNull(write: ValueWriter): ValueWriter {
  return (writer, value) => {
    if (value === null) writer.ascii('null');
    else write(writer, value);
  };
}

function scalarWriter(type: ScalarType, timestamps: TimestampStyle): ValueWriter {
  switch (type) {
    case 'bool':
      return (writer, value) => writer.ascii(value === true ? 'true' : 'false');
    case 'int32':
    case 'int64':
      return (writer, value) => {
        if (typeof value === 'bigint') writer.bigInteger(value);
        else if (Number.isSafeInteger(value)) writer.integer(Number(value));
        else throw mismatch(type, value);
      };
    case 'float32':
    case 'float64':
      return (writer, value) => {
        if (typeof value !== 'number') throw mismatch(type, value);
        writer.float(value);
      };
    case 'string':
    case 'date':
    case 'json':
      return (writer, value) => {
        if (typeof value !== 'string') throw mismatch(type, value);
        writer.quoted(value);
      };
    case 'bytes':
      return (writer, value) => {
        if (!(value instanceof Uint8Array)) throw mismatch(type, value);
        const { buffer, byteOffset, byteLength } = value;
        writer.text(`"${Buffer.from(buffer, byteOffset, byteLength).toString('base64')}"`);
      };
    case 'timestamp':
      return (writer, value) => {
        if (typeof value !== 'bigint') throw mismatch(type, value);
        if (timestamps === 'iso') writer.time(micros(value));
        else writer.bigInteger(wholeSeconds(value));
      };
  }
}

function wholeSeconds(time: bigint): bigint {
  return (time - (((time % 1_000_000n) + 1_000_000n) % 1_000_000n)) / 1_000_000n;
}

function mismatch(type: ValueType, value: Value): TypeError {
  return new TypeError(`a ${typeof value} stands where a ${type} belongs`);
}
