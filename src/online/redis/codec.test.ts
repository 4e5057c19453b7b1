import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { anyTypedValue, featureRow } from '../../../test/conformance/online-rows.ts';
import { compareRecency } from '../../core/newer.ts';
import type { Value, ValueType } from '../../core/value-type.ts';
import { ByteWriter } from './byte-writer.ts';
import { RECENCY_BYTES, rowCodec, schemaId } from './codec.ts';

const NAME = 'view "activity" at version 1';

function encode(types: readonly ValueType[], row: ReturnType<typeof featureRow>): Buffer {
  const writer = new ByteWriter(1);
  rowCodec(NAME, types).encode(writer, row);
  return Buffer.from(writer.bytes.subarray(0, writer.length));
}

describe('a packed row', () => {
  it('gives back any row of any types, and any prefix of its types reads as the row it was then', () => {
    fc.assert(
      fc.property(fc.array(anyTypedValue, { maxLength: 12 }), fc.nat(12), (columns, count) => {
        const types = columns.map((column) => column.type);
        const older = columns.slice(0, count);
        const row = featureRow(
          [],
          older.map((column) => column.value),
          { event: -5n, created: 7n, revision: 2 ** 32 - 1 },
        );
        const bytes = encode(
          older.map((column) => column.type),
          row,
        );
        const values = columns.map((column, i) => (i < count ? column.value : null));
        expect(rowCodec(NAME, types).decode([], bytes)).toEqual({ ...row, values });
      }),
    );
  });

  it('starts with a recency whose bytes compare as the rows do', () => {
    const time = fc.oneof(
      fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }),
      fc.bigInt({ min: -3n, max: 3n }),
    );
    const recency = fc.record({ event: time, created: time, revision: fc.nat(2 ** 32 - 1) });
    fc.assert(
      fc.property(recency, recency, fc.boolean(), (a, b, sameEvent) => {
        const [x, y] = [featureRow([], [], a), featureRow([], [], sameEvent ? { ...b, event: a.event } : b)];
        const [left, right] = [encode([], x), encode([], y)].map((bytes) => bytes.subarray(0, RECENCY_BYTES));
        expect(Buffer.compare(left!, right!)).toBe(Math.sign(compareRecency(x, y)));
      }),
      { numRuns: 500 },
    );
  });

  it('is small: six features of counts, a mean and a name take 50 bytes', () => {
    const types: ValueType[] = ['int64', 'float64', 'int64', 'int64', 'string', 'int64'];
    expect(
      encode(types, featureRow([], [12n, 341.5, 230n, 17n, 'sonnet', 184_000n])).length,
    ).toBeLessThanOrEqual(50);
  });

  it('tells its end in a byte, or nine, where rows end, and takes none where they do not', () => {
    const size = (validity: boolean, validTo?: bigint | null) => {
      const writer = new ByteWriter(1);
      rowCodec(NAME, ['int64'], validity).encode(
        writer,
        featureRow([], [1n], validTo === undefined ? {} : { validTo }),
      );
      return writer.length;
    };
    expect(size(true, null)).toBe(size(false) + 1);
    expect(size(true, 5n)).toBe(size(false) + 9);
    expect(size(false, 5n)).toBe(size(false));
  });

  it('is another schema with an end than without, even of a first column that would fit', () => {
    const ended = new ByteWriter(1);
    rowCodec(NAME, ['int64'], true).encode(ended, featureRow([], [1n], { validTo: 5n }));
    const bytes = Buffer.from(ended.bytes.subarray(0, ended.length));
    expect(rowCodec(NAME, ['int64', 'string'], true).decode([], bytes)).toMatchObject({
      values: [1n, null],
      validTo: 5n,
    });
    const corrupt = expect.objectContaining({ code: 'STORE_CORRUPT' });
    for (const types of [['int64'], ['timestamp', 'int64']] as ValueType[][]) {
      expect(() => rowCodec(NAME, types).decode([], bytes)).toThrowError(corrupt);
    }
    expect(() =>
      rowCodec(NAME, ['int64'], true).decode([], encode(['int64'], featureRow([], [1n]))),
    ).toThrowError(corrupt);
    for (let length = 0; length < bytes.length; length++) {
      expect(() => rowCodec(NAME, ['int64'], true).decode([], bytes.subarray(0, length))).toThrowError(
        corrupt,
      );
    }
  });

  it('is refused when its schema is another one, even of the same size', () => {
    const bytes = encode(['int64', 'string'], featureRow([], [1n, 'x']));
    for (const types of [['string', 'int64'], ['int64'], ['timestamp', 'string'], []] as ValueType[][]) {
      expect(() => rowCodec(NAME, types).decode([], bytes)).toThrowError(
        expect.objectContaining({ code: 'STORE_CORRUPT', message: expect.stringContaining(NAME) }),
      );
    }
  });

  it('is refused with STORE_CORRUPT when it was cut short or has bytes too many', () => {
    const types: ValueType[] = ['int64', 'string', 'array<int32>', 'vector(2)', 'float64'];
    const bytes = encode(
      types,
      featureRow([], [2n ** 60n, 'text', [1, null, 3], new Float32Array([1, 2]), 0.5]),
    );
    const codec = rowCodec(NAME, types);
    for (let size = 0; size < bytes.length; size++) {
      expect(() => codec.decode([], bytes.subarray(0, size))).toThrowError(
        expect.objectContaining({ code: 'STORE_CORRUPT' }),
      );
    }
    expect(() => codec.decode([], Buffer.concat([bytes, Buffer.from([0])]))).toThrowError(
      expect.objectContaining({ code: 'STORE_CORRUPT' }),
    );
  });

  const WRONG: readonly (readonly [ValueType, Value])[] = [
    ['int64', 1],
    ['int64', 2n ** 63n],
    ['int32', 1.5],
    ['int32', 2 ** 31],
    ['bool', 1],
    ['string', 5n],
    ['string', '\ud800'],
    ['date', '2026-02-30'],
    ['date', '2026-1-1'],
    ['bytes', 'x'],
    ['float64', '1'],
    ['array<int32>', [1, '2']],
    ['array<int32>', 3],
    ['vector(2)', new Float32Array(3)],
  ];
  it.each(WRONG)('of type %s is not made from %o', (type, value) => {
    expect(() => encode(['bool', type], featureRow([], [true, value]))).toThrowError(
      expect.objectContaining({ code: 'REQUEST_INVALID', message: expect.stringContaining('value 2') }),
    );
  });

  it('is not made from too few values', () => {
    expect(() => encode(['bool', 'bool'], featureRow([], [true]))).toThrowError(
      expect.objectContaining({ code: 'REQUEST_INVALID' }),
    );
  });
});

describe('a schema id', () => {
  it('is part of the stored format: it must not change', () => {
    expect(schemaId(['int64', 'array<string>', 'vector(3)'])).toBe(1206503499);
  });
});
