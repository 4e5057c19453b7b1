import { describe, expect, test } from 'vitest';
import { readThrift, THRIFT, type ThriftField, writeThrift } from './thrift-compact.ts';

/** By hand, after the specification. */
const BYTES = Buffer.from([
  0x15,
  0x02, // field 1, i32: 1
  0x16,
  0x03, // field 2, i64: -2
  0x18,
  0x02,
  0x68,
  0x69, // field 3, binary: hi
  0x11, // field 4: true
  0x12, // field 5: false
  0x19,
  0x25,
  0x00,
  0xac,
  0x02, // field 6, a list of two i32: 0, 150
  0x1c,
  0x13,
  0x7f,
  0x00, // field 7, a struct whose field 1 is a byte
  0x05,
  0x50,
  0x08, // field 40, too far for a step: i32 4
  0x19,
  0x21,
  0x01,
  0x02, // field 41, a list of two booleans
  0x17,
  0x00,
  0x00,
  0x00,
  0x00,
  0x00,
  0x00,
  0xf0,
  0x3f, // field 42, double: 1
  0x00,
]);

describe('Thrift’s compact protocol', () => {
  test('is read by type, whatever the fields are', () => {
    const read = readThrift(BYTES);
    expect([...read.keys()]).toEqual([1, 2, 3, 4, 5, 6, 7, 40, 41, 42]);
    const value = (id: number) => read.get(id)?.value;
    expect([value(1), value(2), value(4), value(5), value(40)]).toEqual([1n, -2n, true, false, 4n]);
    expect(String(value(3))).toBe('hi');
    expect(value(6)).toEqual({ element: THRIFT.I32, items: [0n, 150n] });
    expect(value(7)).toEqual(new Map([[1, { type: THRIFT.BYTE, value: Buffer.of(0x7f) }]]));
    expect(value(41)).toEqual({ element: THRIFT.TRUE, items: [true, false] });
  });

  test('is written as it was read, to the byte', () => {
    expect(writeThrift(readThrift(BYTES))).toEqual(BYTES);
  });

  test.each([0n, 1n, -1n, 63n, 64n, -64n, -65n, 2n ** 62n, -(2n ** 63n), 2n ** 63n - 1n])(
    'holds the number %s, and lists longer than fourteen',
    (number) => {
      const items = Array.from({ length: 40 }, () => number);
      const field: ThriftField = { type: THRIFT.LIST, value: { element: THRIFT.I64, items } };
      const struct = new Map([
        [3, { type: THRIFT.I64, value: number }],
        [4, field],
      ]);
      expect(readThrift(writeThrift(struct))).toEqual(struct);
    },
  );

  test.each([
    ['nothing', Buffer.of()],
    ['a text that ends early', Buffer.from([0x18, 0x05, 0x68])],
    ['a number that ends early', Buffer.from([0x15, 0x80])],
    ['a struct without end', Buffer.from([0x15, 0x02])],
    ['a map', Buffer.from([0x1b, 0x00, 0x00])],
  ])('refuses %s', (_, bytes) => {
    expect(() => readThrift(bytes)).toThrow(RangeError);
  });
});
