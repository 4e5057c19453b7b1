import type { FeatureRow } from '../../core/rows.ts';
import type { Micros } from '../../core/time.ts';
import { ByteWriter } from './byte-writer.ts';
import { type PackedTable, packRow } from './packed-table.ts';
import { ScriptCall } from './resp.ts';
import type { Script } from './script.ts';

const CHUNK_ROWS = 1000;
const CHUNK_BYTES = 512 * 1024;

export interface WriteCall {
  readonly bytes: Buffer;
  readonly firstKey: Buffer;
}

/**
 * The script calls that write the rows, made one at a time as they are asked for. The rows of a bucket come
 * together, in the order they were given: so the server opens each bucket once.
 */
export function* writeCalls(
  script: Script,
  table: PackedTable,
  rows: readonly FeatureRow[],
  now: Micros,
  scratch: ByteWriter,
): Generator<WriteCall> {
  // All keys are encoded before the first call is made: a bad one is found before anything is written.
  const fields = new ByteWriter(rows.length * 16);
  const ends = new Uint32Array(rows.length + 1);
  const order = new Float64Array(rows.length);
  for (const [i, row] of rows.entries()) {
    order[i] = table.entities.encode(fields, row.key) * 2 ** 32 + i;
    ends[i + 1] = fields.length;
  }
  order.sort();

  const packed = new ByteWriter(64 * 1024);
  const packedEnds: number[] = [];
  for (let from = 0; from < order.length; ) {
    packed.length = 0;
    packedEnds.length = 0;
    let to = from;
    while (to < order.length && to - from < CHUNK_ROWS && packed.length < CHUNK_BYTES) {
      const at = rowAt(order, to++);
      const row = rows[at];
      if (row !== undefined) packRow(table, packed, row, (ends[at + 1] ?? 0) - (ends[at] ?? 0));
      packedEnds.push(packed.length);
    }
    yield writeCall(from, to);
    from = to;
  }

  function writeCall(from: number, to: number): WriteCall {
    const groups = groupEnds(order, from, to);
    const call = new ScriptCall(scratch, script, groups.length);
    for (const [i] of groups.entries()) {
      call.bucket(table.buckets, bucketAt(order, groups[i - 1] ?? from));
    }
    call.text(table.keep === null ? '' : String(table.keep / 1000n));
    call.text(String(now / 1000n));
    call.text(table.keep === null ? '0' : String(Math.floor(Math.random() * 2 ** 31)));
    let start = from;
    for (const end of groups) {
      call.text(String(end - start));
      call.text(String(keptFor(start, end)));
      for (let i = start; i < end; i++) {
        const row = rowAt(order, i);
        call.bytes(fields.bytes, ends[row] ?? 0, ends[row + 1] ?? 0);
      }
      for (let i = start; i < end; i++) {
        call.bytes(packed.bytes, i === from ? 0 : (packedEnds[i - from - 1] ?? 0), packedEnds[i - from] ?? 0);
      }
      start = end;
    }
    return { bytes: call.finish(), firstKey: table.buckets.at(bucketAt(order, from)) };
  }

  /** Milliseconds until the newest of these rows may go; 0 where rows stay for ever. */
  function keptFor(from: number, to: number): bigint {
    if (table.keep === null) return 0n;
    let newest: bigint = rows[rowAt(order, from)]?.eventTime ?? now;
    for (let i = from + 1; i < to; i++) {
      const time = rows[rowAt(order, i)]?.eventTime ?? now;
      if (time > newest) newest = time;
    }
    return (newest + table.keep - now) / 1000n;
  }
}

/** Where each bucket's rows end. */
function groupEnds(order: Float64Array, from: number, to: number): number[] {
  const ends: number[] = [];
  for (let i = from + 1; i < to; i++) {
    if (bucketAt(order, i) !== bucketAt(order, i - 1)) ends.push(i);
  }
  ends.push(to);
  return ends;
}

function bucketAt(order: Float64Array, index: number): number {
  return Math.floor((order[index] ?? 0) / 2 ** 32);
}

function rowAt(order: Float64Array, index: number): number {
  return (order[index] ?? 0) % 2 ** 32;
}
