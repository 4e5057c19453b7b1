import {
  DuckDBBlobValue,
  DuckDBDateValue,
  DuckDBDecimalValue,
  DuckDBTimestampNanosecondsValue,
  DuckDBTimestampTZValue,
  DuckDBTimestampValue,
  type DuckDBValue,
  type DuckDBVector,
} from '@duckdb/node-api';
import * as arrow from 'apache-arrow';
import { createOffsets, createValidity, dataOf, type Growing, withRoom } from './arrow-buffers.ts';

/** Gathers the values of a column and gives them as Arrow data, which its values alone decide to the byte. */
export interface ArrowColumn {
  readonly type: arrow.DataType;
  append(vector: DuckDBVector, row: number): void;
  /** What was appended since the last call. */
  take(): arrow.Data;
  /** How much was appended since then. */
  bytes(): number;
}

/** A column of scalars, which lists are made of too. */
export interface ScalarColumn extends ArrowColumn {
  add(item: DuckDBValue): void;
}

/** Undefined for a type that no column of a training set has. */
export function scalarColumn(engineType: string): ScalarColumn | undefined {
  const decimal = /^DECIMAL\((\d+),(\d+)\)$/.exec(engineType);
  if (decimal !== null) return decimalColumn(Number(decimal[1]), Number(decimal[2]));
  switch (engineType) {
    case 'BOOLEAN':
      return boolColumn();
    case 'TINYINT':
      return numberColumn(new arrow.Int8(), (size) => new Int8Array(size));
    case 'SMALLINT':
      return numberColumn(new arrow.Int16(), (size) => new Int16Array(size));
    case 'INTEGER':
      return numberColumn(new arrow.Int32(), (size) => new Int32Array(size));
    case 'UTINYINT':
      return numberColumn(new arrow.Uint8(), (size) => new Uint8Array(size));
    case 'USMALLINT':
      return numberColumn(new arrow.Uint16(), (size) => new Uint16Array(size));
    case 'UINTEGER':
      return numberColumn(new arrow.Uint32(), (size) => new Uint32Array(size));
    case 'FLOAT':
      return numberColumn(new arrow.Float32(), (size) => new Float32Array(size));
    case 'DOUBLE':
      return numberColumn(new arrow.Float64(), (size) => new Float64Array(size));
    case 'DATE':
      return numberColumn(new arrow.DateDay(), (size) => new Int32Array(size));
    case 'BIGINT':
      return bigintColumn(new arrow.Int64(), (size) => new BigInt64Array(size));
    case 'UBIGINT':
      return bigintColumn(new arrow.Uint64(), (size) => new BigUint64Array(size));
    case 'TIMESTAMP':
    case 'TIMESTAMP WITH TIME ZONE':
      return bigintColumn(new arrow.TimestampMicrosecond('UTC'), (size) => new BigInt64Array(size));
    case 'TIMESTAMP_NS':
      return bigintColumn(new arrow.TimestampNanosecond('UTC'), (size) => new BigInt64Array(size));
    case 'VARCHAR':
    case 'JSON':
    case 'UUID':
      return bytesColumn(new arrow.Utf8(), (item) => TEXT.encode(String(item)));
    case 'BLOB':
      return bytesColumn(new arrow.Binary(), (item) =>
        item instanceof DuckDBBlobValue ? item.bytes : TEXT.encode(String(item)),
      );
    default:
      return undefined;
  }
}

const TEXT = new TextEncoder();

/** `width` elements of the array a value; `put` writes those of the value at an index. */
function fixedColumn<A extends Growing<A>>(
  type: arrow.DataType,
  make: (size: number) => A,
  put: (array: A, at: number, item: Exclude<DuckDBValue, null>) => void,
  { width, bytes }: { readonly width: number; readonly bytes: number },
): ScalarColumn {
  const validity = createValidity();
  let values = make(1024);
  const add = (item: DuckDBValue) => {
    const at = validity.length() * width;
    values = withRoom(values, at + width, make);
    if (item !== null) put(values, at, item);
    validity.add(item !== null);
  };
  return {
    type,
    add,
    append: (vector, row) => add(vector.getItem(row)),
    take() {
      const taken = validity.take();
      const data = dataOf(type, taken, { values: values.slice(0, taken.length * width) });
      values = make(1024);
      return data;
    },
    bytes: () => validity.length() * bytes,
  };
}

function numberColumn<A extends Growing<A> & { [at: number]: number }>(
  type: arrow.DataType,
  make: (size: number) => A,
): ScalarColumn {
  const put = (array: A, at: number, item: Exclude<DuckDBValue, null>) => {
    array[at] = item instanceof DuckDBDateValue ? item.days : Number(item);
  };
  return fixedColumn(type, make, put, { width: 1, bytes: 8 });
}

function bigintColumn<A extends Growing<A> & { [at: number]: bigint }>(
  type: arrow.DataType,
  make: (size: number) => A,
): ScalarColumn {
  const put = (array: A, at: number, item: Exclude<DuckDBValue, null>) => {
    array[at] = wholeOf(item);
  };
  return fixedColumn(type, make, put, { width: 1, bytes: 8 });
}

function wholeOf(item: Exclude<DuckDBValue, null>): bigint {
  if (typeof item === 'bigint') return item;
  if (item instanceof DuckDBTimestampValue || item instanceof DuckDBTimestampTZValue) return item.micros;
  if (item instanceof DuckDBTimestampNanosecondsValue) return item.nanos;
  throw new TypeError(`A whole number was expected where DuckDB gave ${String(item)}`);
}

/** 128 bits, the lower half first. */
function decimalColumn(precision: number, scale: number): ScalarColumn {
  const put = (array: BigInt64Array, at: number, item: Exclude<DuckDBValue, null>) => {
    if (!(item instanceof DuckDBDecimalValue))
      throw new TypeError(`A decimal was expected, not ${String(item)}`);
    array[at] = BigInt.asIntN(64, item.value);
    array[at + 1] = item.value >> 64n;
  };
  const column = fixedColumn(
    new arrow.Decimal(scale, precision),
    (size: number) => new BigInt64Array(size),
    put,
    {
      width: 2,
      bytes: 16,
    },
  );
  return {
    ...column,
    take() {
      const { length, nullCount, values, nullBitmap } = column.take();
      const bits = nullCount === 0 ? undefined : nullBitmap;
      const words = new Uint32Array(values.buffer, values.byteOffset, length * 4);
      return dataOf(column.type, { length, nulls: nullCount, bits }, { values: words });
    },
  };
}

function boolColumn(): ScalarColumn {
  const type = new arrow.Bool();
  const validity = createValidity();
  const truths = createValidity();
  const add = (item: DuckDBValue) => {
    truths.add(item === true);
    validity.add(item !== null);
  };
  return {
    type,
    add,
    append: (vector, row) => add(vector.getItem(row)),
    take() {
      const { length, bits } = truths.take();
      // Without a single false there are no bits: all are true.
      const values = bits ?? allSet(length);
      return dataOf(type, validity.take(), { values });
    },
    bytes: () => validity.length(),
  };
}

function allSet(length: number): Uint8Array {
  const bits = new Uint8Array((length + 7) >> 3).fill(255);
  const last = bits.length - 1;
  if (length % 8 !== 0) bits[last] = (1 << (length % 8)) - 1;
  return bits;
}

function bytesColumn(
  type: arrow.DataType,
  encode: (item: Exclude<DuckDBValue, null>) => Uint8Array,
): ScalarColumn {
  const make = (size: number) => new Uint8Array(size);
  const validity = createValidity();
  const offsets = createOffsets();
  let values = make(4096);
  const add = (item: DuckDBValue) => {
    const bytes = item === null ? undefined : encode(item);
    const at = offsets.end();
    offsets.add(bytes?.length ?? 0);
    if (bytes !== undefined) {
      values = withRoom(values, at + bytes.length, make);
      values.set(bytes, at);
    }
    validity.add(bytes !== undefined);
  };
  return {
    type,
    add,
    append: (vector, row) => add(vector.getItem(row)),
    take() {
      const data = dataOf(type, validity.take(), {
        values: values.slice(0, offsets.end()),
        offsets: offsets.take(),
      });
      values = make(4096);
      return data;
    },
    bytes: () => offsets.end() + validity.length() * 4,
  };
}
