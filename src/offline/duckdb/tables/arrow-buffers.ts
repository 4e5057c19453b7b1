import * as arrow from 'apache-arrow';
import { TidemarkError } from '../../../core/errors.ts';

export interface Growing<A> {
  readonly length: number;
  set(from: A): void;
  slice(start: number, end: number): A;
}

/** An array that has room for one more; what is not written to is zero. */
export function withRoom<A extends Growing<A>>(array: A, needed: number, make: (size: number) => A): A {
  if (needed <= array.length) return array;
  const larger = make(Math.max(needed, array.length * 2));
  larger.set(array);
  return larger;
}

/** Which of the values are null, as Arrow writes it: bits, least first, set where there is a value. */
export function createValidity() {
  let bits = new Uint8Array(1024);
  let length = 0;
  let nulls = 0;
  return {
    add(valid: boolean): void {
      bits = withRoom(bits, (length >> 3) + 1, (size) => new Uint8Array(size));
      if (valid) bits[length >> 3] = (bits[length >> 3] ?? 0) | (1 << (length & 7));
      else nulls += 1;
      length += 1;
    },
    take(): { readonly length: number; readonly nulls: number; readonly bits: Uint8Array | undefined } {
      const taken = { length, nulls, bits: nulls === 0 ? undefined : bits.slice(0, (length + 7) >> 3) };
      bits = new Uint8Array(1024);
      length = 0;
      nulls = 0;
      return taken;
    },
    length: () => length,
  };
}

export type Validity = ReturnType<ReturnType<typeof createValidity>['take']>;

interface DataBuffers {
  readonly offsets?: Int32Array;
  readonly values?: unknown;
  readonly children?: arrow.Data[];
}

export function dataOf(
  type: arrow.DataType,
  { length, nulls, bits }: Validity,
  { offsets, values, children = [] }: DataBuffers,
): arrow.Data {
  const buffers = {
    ...(offsets === undefined ? {} : { [arrow.BufferType.OFFSET]: offsets }),
    ...(values === undefined ? {} : { [arrow.BufferType.DATA]: values }),
    ...(bits === undefined ? {} : { [arrow.BufferType.VALIDITY]: bits }),
  };
  return new arrow.Data(type, 0, length, nulls, buffers, children);
}

export function createOffsets() {
  let offsets = new Int32Array(1024);
  let count = 0;
  let end = 0;
  return {
    end: () => end,
    add(size: number): void {
      end += size;
      if (end > 2 ** 31 - 1)
        throw new TidemarkError(
          'TOO_LARGE',
          'A thousand rows hold more than 2 GB in one column, too much for Arrow: write Parquet.',
        );
      count += 1;
      offsets = withRoom(offsets, count + 1, (size) => new Int32Array(size));
      offsets[count] = end;
    },
    take(): Int32Array {
      const taken = offsets.slice(0, count + 1);
      offsets = new Int32Array(1024);
      count = 0;
      end = 0;
      return taken;
    },
  };
}
