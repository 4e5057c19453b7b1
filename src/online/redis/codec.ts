import { createHash } from 'node:crypto';
import { TidemarkError } from '../../core/errors.ts';
import type { FeatureRow, Recency } from '../../core/rows.ts';
import { type Micros, micros } from '../../core/time.ts';
import type { KeyValue, Value, ValueType } from '../../core/value-type.ts';
import { ByteReader } from './byte-reader.ts';
import type { ByteWriter } from './byte-writer.ts';
import { ReadRow } from './read-row.ts';
import { isNullAt, markNull, type ValueCodec, valueCodec } from './value-codec.ts';

/**
 * A packed row:
 *
 *     event time   8 bytes  µs, big-endian, high bit flipped  \
 *     created      8 bytes  the same                           } the recency: of two rows the greater bytes are
 *     revision     4 bytes  big-endian                        /  the newer row (`core/newer.ts`)
 *     schema id    4 bytes  which value types follow, and whether rows tell how long they are true
 *     valid to     where they do: a byte 0 for without end, or 1 and 8 bytes like the event time
 *     nulls        a bit a column, set where it is null
 *     columns      one after another; a null has no bytes
 */
export const RECENCY_BYTES = 20;
const HEADER_BYTES = RECENCY_BYTES + 4;

export interface StoredRow extends Recency {
  readonly values: readonly Value[];
  /** As in `FeatureRow`. */
  readonly validTo?: Micros | null;
}

/** The first bytes of a packed row. */
export function writeRecency(writer: ByteWriter, { eventTime, createdTime, revision }: Recency): void {
  writer.orderedInt64(eventTime);
  writer.orderedInt64(createdTime);
  writer.uint32(revision);
}

/** Made once for the value types of a view version; encodes and decodes without looking at types again. */
export interface RowCodec {
  /** Appends the row. Throws REQUEST_INVALID, naming the value, when one is not of its type. */
  encode(writer: ByteWriter, row: StoredRow): void;
  /**
   * Also accepts a row written when the version had fewer features: those it lacks are null. Throws STORE_CORRUPT
   * for a row of any other schema, or one that was damaged. The row of the key is what lies from `start` to `end`.
   */
  decode(key: readonly KeyValue[], bytes: Buffer, start?: number, end?: number): FeatureRow;
}

/** `name` is how errors call the view version. With `validity`, rows tell until when they are true. */
export function rowCodec(name: string, types: readonly ValueType[], validity = false): RowCodec {
  const codecs = types.map(valueCodec);
  const schema = schemaId(types, validity);
  const nullBytes = (types.length + 7) >> 3;
  const countOfSchema = new Map(types.map((_, i) => [schemaId(types.slice(0, i), validity), i]));
  countOfSchema.set(schema, types.length);
  const reader = new ByteReader();
  const allNull = types.map((): Value => null);

  return {
    encode(writer, row) {
      if (row.values.length !== types.length) {
        const found = `${row.values.length} values`;
        throw new TidemarkError(
          'REQUEST_INVALID',
          `Cannot store a row of ${name}: it has ${found} and the view has ${types.length} features.`,
        );
      }
      writeRecency(writer, row);
      writer.uint32(schema);
      if (validity) writeEnd(writer, row.validTo ?? null);
      const nulls = writer.zeros(nullBytes);
      for (let i = 0; i < codecs.length; i++) {
        const value = row.values[i] ?? null;
        if (value === null) markNull(writer.bytes, nulls, i);
        else writeValue(writer, i, value);
      }
    },

    decode(key, bytes, start = 0, end = bytes.length) {
      if (end - start < HEADER_BYTES) throw corrupt(name, `it has ${end - start} bytes`);
      reader.open(bytes, start, end);
      const eventTime = micros(reader.orderedInt64());
      const createdTime = micros(reader.orderedInt64());
      const revision = reader.uint32();
      const count = countOfSchema.get(reader.uint32());
      if (count === undefined) {
        throw corrupt(name, 'it was written with value types that are not the first ones of this version');
      }
      const values = allNull.slice();
      let validTo: Micros | null = null;
      try {
        if (validity) validTo = readEnd(reader);
        readValues(reader, count, values);
      } catch (error) {
        throw corrupt(name, error instanceof Error ? error.message : String(error));
      }
      if (!reader.isAtEnd) throw corrupt(name, 'bytes are left over');
      reader.close();
      const row = new ReadRow(key, eventTime, createdTime, revision, values);
      if (validity) row.validTo = validTo;
      return row;
    },
  };

  function writeValue(writer: ByteWriter, index: number, value: Exclude<Value, null>): void {
    try {
      codecAt(codecs, index).write(writer, value);
    } catch (error) {
      if (!(error instanceof RangeError)) throw error;
      throw new TidemarkError(
        'REQUEST_INVALID',
        `Cannot store a row of ${name}: value ${index + 1} is wrong, ${error.message}.`,
      );
    }
  }

  function readValues(reader: ByteReader, count: number, values: Value[]): void {
    const start = reader.take((count + 7) >> 3);
    for (let i = 0; i < count; i++) {
      if (!isNullAt(reader.bytes, start, i)) values[i] = codecAt(codecs, i).read(reader);
    }
  }
}

function writeEnd(writer: ByteWriter, validTo: Micros | null): void {
  writer.byte(validTo === null ? 0 : 1);
  if (validTo !== null) writer.orderedInt64(validTo);
}

function readEnd(reader: ByteReader): Micros | null {
  return reader.byte() === 0 ? null : micros(reader.orderedInt64());
}

/** 32 bits of a digest of the value types and of the row's format, in which the first byte of the text counts. */
export function schemaId(types: readonly ValueType[], validity = false): number {
  return createHash('sha256')
    .update(`1 ${[...(validity ? ['valid_to'] : []), ...types].join(' ')}`)
    .digest()
    .readUInt32BE(0);
}

function codecAt(codecs: readonly ValueCodec[], index: number): ValueCodec {
  const codec = codecs[index];
  if (codec === undefined) throw new RangeError(`there is no column ${index + 1}`);
  return codec;
}

function corrupt(name: string, what: string): TidemarkError {
  return new TidemarkError(
    'STORE_CORRUPT',
    `Cannot read a stored row of ${name}: ${what}. Materialize the version again, or register a new one.`,
  );
}
