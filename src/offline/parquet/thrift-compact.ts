/**
 * Thrift's compact protocol (https://github.com/apache/thrift/blob/master/doc/specs/thrift-compact-protocol.md), in
 * which Parquet's footers are written, read without knowing what the fields mean: what is read and written again is
 * the same to the byte, with fields that are newer than this code.
 */
export type ThriftValue = boolean | bigint | Buffer | ThriftList | ThriftStruct;

export interface ThriftList {
  readonly element: number;
  readonly items: readonly ThriftValue[];
}

/** By field id, in the order in which they were written. */
export type ThriftStruct = ReadonlyMap<number, ThriftField>;

export interface ThriftField {
  readonly type: number;
  readonly value: ThriftValue;
}

/** The protocol's types; `BOOLEAN` is what a list calls its element, a field is `TRUE` or `FALSE`. */
export const THRIFT = {
  TRUE: 1,
  FALSE: 2,
  BYTE: 3,
  I16: 4,
  I32: 5,
  I64: 6,
  DOUBLE: 7,
  BINARY: 8,
  LIST: 9,
  SET: 10,
  MAP: 11,
  STRUCT: 12,
} as const;

/** RangeError when the bytes are no struct, or one with a map, which no footer has. */
export function readThrift(bytes: Buffer): ThriftStruct {
  let at = 0;

  function byte(): number {
    const next = bytes[at++];
    if (next === undefined) throw new RangeError('The bytes end within a value');
    return next;
  }

  function take(length: number): Buffer {
    if (at + length > bytes.length) throw new RangeError('The bytes end within a value');
    at += length;
    return bytes.subarray(at - length, at);
  }

  function varint(): bigint {
    let value = 0n;
    for (let shift = 0n; ; shift += 7n) {
      const next = byte();
      value |= BigInt(next & 0x7f) << shift;
      if (next < 0x80) return value;
    }
  }

  function integer(): bigint {
    const value = varint();
    return (value >> 1n) ^ -(value & 1n);
  }

  function list(): ThriftList {
    const header = byte();
    const size = header >> 4 === 15 ? Number(varint()) : header >> 4;
    const element = header & 0x0f;
    const items: ThriftValue[] = [];
    for (let index = 0; index < size; index++) {
      items.push(element === THRIFT.TRUE || element === THRIFT.FALSE ? byte() === 1 : value(element));
    }
    return { element, items };
  }

  function struct(): ThriftStruct {
    const fields = new Map<number, ThriftField>();
    let id = 0;
    for (let header = byte(); header !== 0; header = byte()) {
      id = header >> 4 === 0 ? Number(integer()) : id + (header >> 4);
      const type = header & 0x0f;
      fields.set(id, { type, value: value(type) });
    }
    return fields;
  }

  function value(type: number): ThriftValue {
    switch (type) {
      case THRIFT.TRUE:
      case THRIFT.FALSE:
        return type === THRIFT.TRUE;
      case THRIFT.BYTE:
      case THRIFT.DOUBLE:
        return take(type === THRIFT.BYTE ? 1 : 8);
      case THRIFT.I16:
      case THRIFT.I32:
      case THRIFT.I64:
        return integer();
      case THRIFT.BINARY:
        return take(Number(varint()));
      case THRIFT.LIST:
      case THRIFT.SET:
        return list();
      case THRIFT.STRUCT:
        return struct();
      default:
        throw new RangeError(`A value of type ${type} is not known`);
    }
  }

  return struct();
}

export function writeThrift(written: ThriftStruct): Buffer {
  const pieces: Buffer[] = [];

  function varint(value: bigint): void {
    const bytes: number[] = [];
    let rest = value;
    for (; rest >= 0x80n; rest >>= 7n) bytes.push(Number(rest & 0x7fn) | 0x80);
    bytes.push(Number(rest));
    pieces.push(Buffer.from(bytes));
  }

  function integer(value: bigint): void {
    varint(value < 0n ? -2n * value - 1n : 2n * value);
  }

  function list({ element, items }: ThriftList): void {
    pieces.push(Buffer.of((Math.min(items.length, 15) << 4) | element));
    if (items.length >= 15) varint(BigInt(items.length));
    for (const item of items) {
      if (typeof item === 'boolean') pieces.push(Buffer.of(item ? THRIFT.TRUE : THRIFT.FALSE));
      else value(element, item);
    }
  }

  function struct(fields: ThriftStruct): void {
    let last = 0;
    for (const [id, { type, value: held }] of fields) {
      const step = id - last;
      pieces.push(Buffer.of(step > 0 && step < 16 ? (step << 4) | type : type));
      if (step <= 0 || step > 15) integer(BigInt(id));
      if (typeof held !== 'boolean') value(type, held);
      last = id;
    }
    pieces.push(Buffer.of(0));
  }

  function value(type: number, held: ThriftValue): void {
    if (typeof held === 'bigint') integer(held);
    else if (Buffer.isBuffer(held)) {
      if (type === THRIFT.BINARY) varint(BigInt(held.length));
      pieces.push(held);
    } else if (held instanceof Map) struct(held);
    else list(held as ThriftList);
  }

  struct(written);
  return Buffer.concat(pieces);
}
