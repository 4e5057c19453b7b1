import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { KeyType } from '../../src/core/value-type.ts';
import { createDuckDb, type DuckDbEngine } from '../../src/offline/duckdb/engine.ts';
import { PLACES, placedSql } from '../../src/offline/duckdb/newest/integer-place.ts';
import { ByteWriter } from '../../src/online/redis/byte-writer.ts';
import { BUCKETS, entityKeyCodec } from '../../src/online/redis/key.ts';

let db: DuckDbEngine;
let folder: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'tidemark-place-'));
  db = await createDuckDb({ memory: '200MB', threads: 1, tempDir: folder });
});
afterAll(async () => {
  await db.close();
  await rm(folder, { recursive: true });
});

const { min, max } = { min: -(2n ** 63n), max: 2n ** 63n - 1n };
const keys: Readonly<Record<'int32' | 'int64', fc.Arbitrary<bigint>>> = {
  int32: fc.integer().map(BigInt),
  int64: fc.oneof(fc.bigInt({ min, max }), fc.integer().map(BigInt), fc.maxSafeInteger().map(BigInt)),
};

test.each(['int32', 'int64'] as const)(
  'rows of %s keys come in the order of the buckets that they are written to',
  async (type) => {
    expect(PLACES).toBe(BUCKETS);
    const codec = entityKeyCodec('view', [type satisfies KeyType]);
    const writer = new ByteWriter(16);
    await fc.assert(
      fc.asyncProperty(fc.array(keys[type], { minLength: 1, maxLength: 500 }), async (values) => {
        const rows = values.map(
          (value, at) => `(${at}, (${value})::${type === 'int32' ? 'INTEGER' : 'BIGINT'})`,
        );
        const placed = placedSql(`(VALUES ${rows.join(', ')}) t(n, id)`, {
          joinKeys: [{ name: 'id', type }],
        });
        const found = await db.withConnection(async (connection) =>
          (await connection.runAndReadAll(`SELECT __place FROM ${placed} ORDER BY n`)).getRows(),
        );
        const buckets = values.map((value) => {
          writer.length = 0;
          return codec.encode(writer, [type === 'int32' ? Number(value) : value]);
        });
        expect(found.map(([place]) => Number(place))).toEqual(buckets);
      }),
      { numRuns: 20 },
    );
  },
);
