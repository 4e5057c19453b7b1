import { TidemarkError } from '../../core/errors.ts';
import type { KeyType, KeyValue } from '../../core/value-type.ts';
import type { OnlineTable } from '../online-store.ts';
import { ByteReader } from './byte-reader.ts';
import type { ByteWriter } from './byte-writer.ts';
import { type ValueCodec, valueCodec } from './value-codec.ts';

/**
 * Where a row lies: in one of 65,536 hashes ("buckets") of its table, under a field that is its entity key.
 *
 * Why buckets and not a key for each entity: measured here with 500,000 rows of 50 bytes, 1,000 a script call, a
 * key for each took 138 bytes an entity and 320 to 570 thousand writes a second. Buckets take 66 bytes, and 350
 * thousand for keys in random order, 800 to 1,170 thousand for integers in order, because rows that lie together
 * are compared and written by two commands. Reading 500 by HGET takes 1.1 to 1.3 times an MGET's time. And a
 * table's buckets are known without asking: dropping or scanning it never walks over the keys of others. Other
 * layouts are measured beside it in bench/README.md.
 *
 * How many buckets is part of the format and must never change. 65,536 leave 15 entities in each at a million and
 * 150 at ten million, and Redis keeps a hash packed up to 512 fields (and values of up to 64 bytes). Far beyond,
 * a bucket turns into a plain hash table, and costs what a key for each entity would.
 */
export const BUCKETS = 65_536;

/** Integer keys with equal bits above these share a bucket, so that keys in order are written together. */
const NEIGHBOUR_BITS = 4;

/** The keys of a table's buckets: all of one length, they differ in the four digits of the bucket. */
export interface BucketKeys {
  readonly length: number;
  /** The bucket's key; copied, so that it may be kept. */
  at(bucket: number): Buffer;
  /** The same, written to `target` at `offset`. */
  writeAt(bucket: number, target: Buffer, offset: number): void;
}

/**
 * `prefix{bucket}` then project and view, each after its length, and the version: whatever characters the names
 * hold, two tables never share a key. In a Redis Cluster only what stands in braces decides on the slot: buckets
 * spread over all nodes, and the rows of one entity in all views of a key lie on one.
 */
export function bucketKeys(prefix: string, table: OnlineTable, writer: ByteWriter): BucketKeys {
  writer.length = 0;
  writer.raw(Buffer.from(`${prefix}{0000}`));
  const tagAt = writer.length - 5;
  writer.text(table.project);
  writer.text(table.view);
  writer.integer(table.version);
  const template = Buffer.from(writer.bytes.subarray(0, writer.length));
  const write = (bucket: number, target: Buffer, offset: number): void => {
    target.set(template, offset);
    for (let i = 0; i < 4; i++) {
      target[offset + tagAt + i] = HEX[(bucket >> (12 - 4 * i)) & 15] ?? 0;
    }
  };
  return {
    length: template.length,
    at(bucket) {
      const key = Buffer.allocUnsafe(template.length);
      write(bucket, key, 0);
      return key;
    },
    writeAt: write,
  };
}

const HEX = Buffer.from('0123456789abcdef');

/** Entity keys as bytes: each value says its own length, so (1, '23') and (12, '3') differ. */
export interface EntityKeyCodec {
  /** Appends the key and returns its bucket. Throws REQUEST_INVALID when a value is not of its type. */
  encode(writer: ByteWriter, key: readonly KeyValue[]): number;
  /** Throws STORE_CORRUPT when the bytes are no such key. */
  decode(bytes: Buffer): readonly KeyValue[];
}

export function entityKeyCodec(name: string, types: readonly KeyType[]): EntityKeyCodec {
  const codecs = types.map(valueCodec);
  const last = types.at(-1);
  const hasNeighbours = last === 'int32' || last === 'int64';
  return {
    encode(writer, key) {
      const start = writer.length;
      if (key.length !== types.length)
        throw invalid(name, `it has ${key.length} values, not ${types.length}`);
      let lastAt = start;
      for (const [i, value] of key.entries()) {
        lastAt = writer.length;
        writeKeyValue(name, codecs[i], writer, value);
      }
      if (!hasNeighbours) return bucketOf(writer.bytes, start, writer.length, 0);
      return bucketOf(writer.bytes, start, lastAt, groupOf(key[key.length - 1]));
    },
    decode(bytes) {
      const reader = new ByteReader(bytes);
      try {
        const key = codecs.map((codec) => codec.read(reader) as KeyValue);
        if (reader.isAtEnd) return key;
      } catch (error) {
        if (!(error instanceof RangeError)) throw error;
      }
      throw new TidemarkError('STORE_CORRUPT', `Cannot read a stored key of ${name}: its bytes are damaged.`);
    },
  };
}

function writeKeyValue(
  name: string,
  codec: ValueCodec | undefined,
  writer: ByteWriter,
  value: KeyValue,
): void {
  try {
    codec?.write(writer, value);
  } catch (error) {
    if (error instanceof RangeError) throw invalid(name, error.message);
    throw error;
  }
}

/** 32 bits that neighbours have in common. */
function groupOf(value: KeyValue | undefined): number {
  if (typeof value === 'number') return value >> NEIGHBOUR_BITS;
  if (typeof value !== 'bigint') return 0;
  const near = Number(value);
  if (!Number.isSafeInteger(near)) return Number(BigInt.asIntN(32, (value >> 36n) ^ (value >> 4n)));
  const group = Math.floor(near / 2 ** NEIGHBOUR_BITS);
  return (group | 0) ^ Math.floor(group / 2 ** 32);
}

/** FNV-1a with the finish of Murmur 3; part of the format. */
function bucketOf(bytes: Buffer, start: number, end: number, seed: number): number {
  let hash = 0x811c9dc5 ^ Math.imul(seed, 0x9e3779b1);
  for (let i = start; i < end; i++) hash = Math.imul(hash ^ (bytes[i] ?? 0), 0x01000193);
  hash ^= hash >>> 16;
  hash = Math.imul(hash, 0x85ebca6b);
  hash ^= hash >>> 13;
  hash = Math.imul(hash, 0xc2b2ae35);
  return ((hash ^ (hash >>> 16)) >>> 0) % BUCKETS;
}

function invalid(name: string, what: string): TidemarkError {
  return new TidemarkError('REQUEST_INVALID', `Cannot look up an entity of ${name}: ${what}.`);
}
