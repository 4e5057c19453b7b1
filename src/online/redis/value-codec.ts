import { endianness } from 'node:os';
import type { ScalarType, Value, ValueType } from '../../core/value-type.ts';
import { valueTypeOf } from '../../core/value-type.ts';
import type { ByteReader } from './byte-reader.ts';
import type { ByteWriter } from './byte-writer.ts';

/** How the values of one type lie in bytes. Null has no bytes: who holds the values says which are null. */
export interface ValueCodec {
  /** Throws RangeError when the value is not of the type. */
  write(writer: ByteWriter, value: Exclude<Value, null>): void;
  read(reader: ByteReader): Exclude<Value, null>;
}

const DAY_MILLIS = 86_400_000;
const INT64_MIN = -(2n ** 63n);
const INT64_MAX = 2n ** 63n - 1n;

export function valueCodec(type: ValueType): ValueCodec {
  const parsed = valueTypeOf(type);
  switch (parsed.kind) {
    case 'scalar':
      return SCALARS[parsed.type];
    case 'array':
      return arrayCodec(type, SCALARS[parsed.element]);
    case 'vector':
      return vectorCodec(type, parsed.size);
  }
}

const int64: ValueCodec = {
  write(writer, value) {
    if (typeof value !== 'bigint' || value < INT64_MIN || value > INT64_MAX)
      refuse(value, 'an int64 (bigint)');
    writer.bigInteger(value);
  },
  read: (reader) => reader.bigInteger(),
};

const text: ValueCodec = {
  write(writer, value) {
    if (typeof value !== 'string') refuse(value, 'a string');
    // UTF-8 has no form for half a surrogate pair: two different strings would become the same bytes.
    if (!value.isWellFormed()) refuse(value, 'well-formed Unicode');
    writer.text(value);
  },
  read: (reader) => reader.text(),
};

const SCALARS: Readonly<Record<ScalarType, ValueCodec>> = {
  bool: {
    write(writer, value) {
      if (typeof value !== 'boolean') refuse(value, 'a bool');
      writer.byte(value ? 1 : 0);
    },
    read: (reader) => reader.byte() !== 0,
  },
  int32: {
    write(writer, value) {
      if (typeof value !== 'number' || (value | 0) !== value) refuse(value, 'an int32');
      writer.integer(value);
    },
    read: (reader) => reader.integer(),
  },
  int64,
  timestamp: int64,
  float32: {
    write(writer, value) {
      if (typeof value !== 'number') refuse(value, 'a float32');
      writer.float32(value);
    },
    read: (reader) => reader.float32(),
  },
  float64: {
    write(writer, value) {
      if (typeof value !== 'number') refuse(value, 'a float64');
      writer.float64(value);
    },
    read: (reader) => reader.float64(),
  },
  string: text,
  json: text,
  bytes: {
    write(writer, value) {
      if (!(value instanceof Uint8Array)) refuse(value, 'bytes');
      writer.blob(value);
    },
    read: (reader) => reader.blob(),
  },
  date: {
    write(writer, value) {
      const days = typeof value === 'string' ? dayOf(value) : undefined;
      if (days === undefined) refuse(value, 'a date YYYY-MM-DD');
      writer.integer(days);
    },
    read: (reader) => dateOf(reader.integer()),
  },
};

/** The number of elements, a bit for each that is null, then the others. */
function arrayCodec(type: ValueType, element: ValueCodec): ValueCodec {
  return {
    write(writer, value) {
      if (!isArray(value)) refuse(value, `an ${type}`);
      writer.integer(value.length);
      const nulls = writer.zeros((value.length + 7) >> 3);
      for (let i = 0; i < value.length; i++) {
        const item = value[i] ?? null;
        if (item === null) markNull(writer.bytes, nulls, i);
        else element.write(writer, item);
      }
    },
    read(reader) {
      const size = reader.integer();
      const nulls = reader.view((size + 7) >> 3);
      const items = new Array<Value>(size);
      for (let i = 0; i < size; i++) items[i] = isNullAt(nulls, 0, i) ? null : element.read(reader);
      return items;
    },
  };
}

const IS_LITTLE = endianness() === 'LE';

/** Little-endian float32, as the memory of nearly every machine has them: read and written by one copy. */
function vectorCodec(type: ValueType, size: number): ValueCodec {
  return {
    write(writer, value) {
      if (!(value instanceof Float32Array) || value.length !== size)
        refuse(value, `a ${type} (Float32Array)`);
      if (IS_LITTLE) {
        writer.raw(new Uint8Array(value.buffer, value.byteOffset, value.byteLength));
        return;
      }
      writer.reserve(size * 4);
      for (const item of value) writer.length = writer.bytes.writeFloatLE(item, writer.length);
    },
    read(reader) {
      const view = reader.view(size * 4);
      const vector = new Float32Array(size);
      if (IS_LITTLE) new Uint8Array(vector.buffer).set(view);
      else for (let i = 0; i < size; i++) vector[i] = view.readFloatLE(i * 4);
      return vector;
    },
  };
}

export function markNull(bytes: Buffer, start: number, index: number): void {
  const at = start + (index >> 3);
  bytes[at] = (bytes[at] ?? 0) | (1 << (index & 7));
}

export function isNullAt(bytes: Buffer, start: number, index: number): boolean {
  return ((bytes[start + (index >> 3)] ?? 0) & (1 << (index & 7))) !== 0;
}

function isArray(value: Value): value is readonly Value[] {
  return Array.isArray(value);
}

function dayOf(value: string): number | undefined {
  if (!/^\d{4}-\d{2}-\d{2}$/.test(value)) return undefined;
  const days = Date.parse(`${value}T00:00:00Z`) / DAY_MILLIS;
  // The engine may take a 30th of February for the 2nd of March.
  return Number.isInteger(days) && dateOf(days) === value ? days : undefined;
}

function dateOf(days: number): string {
  return new Date(days * DAY_MILLIS).toISOString().slice(0, 10);
}

function refuse(value: Value, wanted: string): never {
  const shown = typeof value === 'bigint' ? `${value}n` : JSON.stringify(value, jsonSafe);
  throw new RangeError(`${shown.length > 80 ? `${shown.slice(0, 80)}…` : shown} is not ${wanted}`);
}

function jsonSafe(_key: string, value: unknown): unknown {
  return typeof value === 'bigint' ? `${value}n` : value;
}
