import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { anyKeys, onlineTable } from '../../../test/conformance/online-rows.ts';
import type { KeyType, KeyValue } from '../../core/value-type.ts';
import { ByteWriter } from './byte-writer.ts';
import { BUCKETS, bucketKeys, entityKeyCodec } from './key.ts';

function encode(types: readonly KeyType[], key: readonly KeyValue[]): { bytes: Buffer; bucket: number } {
  const writer = new ByteWriter(1);
  const bucket = entityKeyCodec('view "v" at version 1', types).encode(writer, key);
  return { bytes: Buffer.from(writer.bytes.subarray(0, writer.length)), bucket };
}

describe('an entity key', () => {
  it('comes back from its bytes, whatever it holds', () => {
    fc.assert(
      fc.property(anyKeys, ({ types, keys }) => {
        for (const key of keys) {
          const { bytes, bucket } = encode(types, key);
          expect(entityKeyCodec('', types).decode(bytes)).toEqual(key);
          expect(Number.isInteger(bucket) && bucket >= 0 && bucket < BUCKETS).toBe(true);
        }
      }),
    );
  });

  it('is refused when a value is of another type, is not Unicode, or is missing', () => {
    for (const [types, key] of [
      [['int64'], [1]],
      [['int32'], [1n]],
      [['string'], [1]],
      [['string'], ['\udc00']],
      [['int64', 'string'], [1n]],
      [['date'], ['yesterday']],
    ] as [KeyType[], KeyValue[]][]) {
      expect(() => encode(types, key)).toThrowError(expect.objectContaining({ code: 'REQUEST_INVALID' }));
    }
  });

  it('shares its bucket with its neighbours when it is an integer, and others spread evenly', () => {
    const most = (keys: readonly KeyValue[], type: KeyType): readonly [buckets: number, most: number] => {
      const counts = new Map<number, number>();
      for (const key of keys) {
        const { bucket } = encode([type], [key]);
        counts.set(bucket, (counts.get(bucket) ?? 0) + 1);
      }
      return [counts.size, Math.max(...counts.values())];
    };
    const ids = Array.from({ length: 65_536 }, (_, i) => i);
    const [dense, densest] = most(
      ids.map((i) => BigInt(i)),
      'int64',
    );
    expect(dense).toBeLessThanOrEqual(4096);
    expect(densest).toBeLessThanOrEqual(6 * 16);
    for (const sparse of [
      most(
        ids.map((i) => BigInt(i) << 20n),
        'int64',
      ),
      most(
        ids.map((i) => BigInt(i) << 45n),
        'int64',
      ),
      most(
        ids.map((i) => `user-${i}`),
        'string',
      ),
    ]) {
      // A fair throw of as many balls as bins leaves 37 % empty and has at most about 9 in one.
      expect(sparse[0]).toBeGreaterThan(0.6 * 65_536);
      expect(sparse[1]).toBeLessThan(14);
    }
  });

  it('has a place that is part of the stored format: it must not change', () => {
    const place = (types: readonly KeyType[], key: readonly KeyValue[]) => {
      const { bytes, bucket } = encode(types, key);
      return `${bytes.toString('hex')} in ${bucket}`;
    };
    expect([
      place(['int64'], [123_456_789n]),
      place(['int64'], [-(2n ** 63n)]),
      place(['string', 'int32'], ['é', -5]),
      place(['date', 'bool'], ['2026-01-01', true]),
    ]).toEqual([
      'aab4de75 in 58775',
      'ffffffffffffffffff01 in 44078',
      '04c3a909 in 19214',
      'ccbf0201 in 63936',
    ]);
  });
});

describe('a bucket key', () => {
  it('has a cluster hash tag that only the bucket decides on', () => {
    const at = (bucket: number) =>
      bucketKeys('tm', onlineTable({ project: 'a{b}' }), new ByteWriter())
        .at(bucket)
        .toString('latin1');
    expect(at(0)).toMatch(/^tm\{0000\}/);
    expect(at(65_535)).toMatch(/^tm\{ffff\}/);
    expect(at(0x1a2b)).toMatch(/^tm\{1a2b\}/);
  });

  it('differs for different projects, views and versions', () => {
    const name = fc.oneof(fc.string({ maxLength: 4 }), fc.constantFrom('a', 'aa', '', '\u0001', '\u0002a'));
    const table = fc.record({ project: name, view: name, version: fc.integer({ min: 1, max: 300 }) });
    fc.assert(
      fc.property(table, table, (a, b) => {
        const [x, y] = [a, b].map((parts) =>
          bucketKeys('', onlineTable(parts), new ByteWriter()).at(7).toString('hex'),
        );
        const isSame = a.project === b.project && a.view === b.view && a.version === b.version;
        expect(x === y).toBe(isSame);
      }),
      { numRuns: 1000 },
    );
  });
});
