import type { FileHandle } from 'node:fs/promises';
import {
  readThrift,
  type ThriftList,
  type ThriftStruct,
  type ThriftValue,
  writeThrift,
} from './thrift-compact.ts';

/** https://github.com/apache/parquet-format#file-format: magic, column chunks, footer, its length, magic. */
export const MAGIC = Buffer.from('PAR1');
const TAIL = 4 + MAGIC.length;

/** Field ids, from https://github.com/apache/parquet-format/blob/master/src/main/thrift/parquet.thrift */
export const FILE = { schema: 2, rows: 3, rowGroups: 4, notes: 5, columnOrders: 7 } as const;
export const SCHEMA_ELEMENT = { name: 4, children: 5 } as const;
export const ROW_GROUP = { columns: 1, bytes: 2, rows: 3, fileOffset: 5, compressedBytes: 6 } as const;
export const COLUMN_CHUNK = { metadata: 3, offsetIndex: 4, columnIndex: 6 } as const;
export const COLUMN = {
  path: 3,
  bytes: 6,
  compressedBytes: 7,
  dataPage: 9,
  indexPage: 10,
  dictionaryPage: 11,
  bloomFilter: 14,
  bloomFilterBytes: 15,
} as const;

/** What a file's footer says, and where in the file it begins. */
export async function readFooter(
  file: FileHandle,
): Promise<{ readonly footer: ThriftStruct; readonly at: number }> {
  const { size } = await file.stat();
  const tail = await readAt(file, Math.max(0, size - TAIL), TAIL);
  const length = tail.length === TAIL ? tail.readUInt32LE(0) : size;
  if (!tail.subarray(4).equals(MAGIC) || length + TAIL > size)
    throw new RangeError('This is no Parquet file');
  const at = size - TAIL - length;
  return { footer: readThrift(await readAt(file, at, length)), at };
}

/** The footer, its length, and the magic bytes that end a file. */
export function endOfFile(footer: ThriftStruct): Buffer {
  const bytes = writeThrift(footer);
  const length = Buffer.alloc(4);
  length.writeUInt32LE(bytes.length);
  return Buffer.concat([bytes, length, MAGIC]);
}

async function readAt(file: FileHandle, position: number, length: number): Promise<Buffer> {
  const { buffer, bytesRead } = await file.read(Buffer.alloc(length), 0, length, position);
  return buffer.subarray(0, bytesRead);
}

export function structsOf(struct: ThriftStruct, id: number): readonly ThriftStruct[] {
  return listOf(struct, id).items.map((item) => {
    if (item instanceof Map) return item;
    throw new RangeError(`Field ${id} of the footer is no list of structs`);
  });
}

export function listOf(struct: ThriftStruct, id: number): ThriftList {
  const value = struct.get(id)?.value;
  if (typeof value === 'object' && 'items' in value) return value;
  throw new RangeError(`Field ${id} of the footer is no list`);
}

export function structOf(struct: ThriftStruct, id: number): ThriftStruct {
  const value = struct.get(id)?.value;
  if (value instanceof Map) return value;
  throw new RangeError(`Field ${id} of the footer is no struct`);
}

/** Null when the field is not there. */
export function numberOf(struct: ThriftStruct, id: number): number | null {
  const value = struct.get(id)?.value;
  return typeof value === 'bigint' ? Number(value) : null;
}

/** The struct with fields that it has set to other values. */
export function withFields(
  struct: ThriftStruct,
  values: Readonly<Record<number, ThriftValue>>,
): ThriftStruct {
  const changed = new Map(struct);
  for (const [id, value] of Object.entries(values)) {
    const type = struct.get(Number(id))?.type;
    if (type !== undefined) changed.set(Number(id), { type, value });
  }
  return changed;
}

/** A list of the same kind of items. */
export function withItems(struct: ThriftStruct, id: number, items: readonly ThriftValue[]): ThriftStruct {
  return withFields(struct, { [id]: { element: listOf(struct, id).element, items } });
}
