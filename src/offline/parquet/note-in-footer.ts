import { open } from 'node:fs/promises';
import { endOfFile, FILE, readFooter } from './parquet-footer.ts';
import { THRIFT, type ThriftStruct } from './thrift-compact.ts';

/** Field ids of a KeyValue of the footer. */
const KEY = 1;
const VALUE = 2;

/**
 * Adds a note to a Parquet file that has none, as key and value of its footer
 * (https://parquet.apache.org/docs/file-format/metadata/), which any reader gives back and none needs. RangeError when
 * the file is no Parquet file.
 */
export async function noteInFooter(path: string, key: string, value: string): Promise<void> {
  const file = await open(path, 'r+');
  try {
    const { footer, at } = await readFooter(file);
    const note: ThriftStruct = new Map([
      [KEY, { type: THRIFT.BINARY, value: Buffer.from(key) }],
      [VALUE, { type: THRIFT.BINARY, value: Buffer.from(value) }],
    ]);
    const fields = new Map(footer).set(FILE.notes, {
      type: THRIFT.LIST,
      value: { element: THRIFT.STRUCT, items: [note] },
    });
    // Compact Thrift tells a field by how far it is from the one before.
    const noted = endOfFile(new Map([...fields].toSorted(([a], [b]) => a - b)));
    await file.write(noted, 0, noted.length, at);
    await file.truncate(at + noted.length);
  } finally {
    await file.close();
  }
}
