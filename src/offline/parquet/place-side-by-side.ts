import { type FileHandle, open } from 'node:fs/promises';
import {
  COLUMN,
  COLUMN_CHUNK,
  endOfFile,
  FILE,
  listOf,
  MAGIC,
  numberOf,
  ROW_GROUP,
  readFooter,
  SCHEMA_ELEMENT,
  structOf,
  structsOf,
  withFields,
  withItems,
} from './parquet-footer.ts';
import type { ThriftStruct, ThriftValue } from './thrift-compact.ts';

/** A column of a file that becomes a column of another. */
export interface PlacedColumn {
  readonly path: string;
  /** Its name in the file. */
  readonly column: string;
  /** Its name in the result. */
  readonly name: string;
}

/**
 * Writes a Parquet file at `path` of columns of other files, whose rows belong together by their number: row groups of
 * all must have the same sizes. Nothing is decoded: the columns' bytes are copied, and the footer says where they are
 * now. The result is, to the byte, what DuckDB writes of these columns itself. RangeError when files are not alike.
 */
export async function placeSideBySide(path: string, columns: readonly PlacedColumn[]): Promise<void> {
  const files = new Map<string, SourceFile>();
  const output = await open(path, 'w');
  try {
    for (const { path: from } of columns) {
      if (files.has(from)) continue;
      const handle = await open(from, 'r');
      files.set(from, { handle, footer: new Map(), columns: new Map() });
      files.set(from, sourceFile(handle, (await readFooter(handle)).footer));
    }
    await place(output, columns, files);
  } finally {
    await output.close();
    for (const { handle } of files.values()) await handle.close();
  }
}

interface SourceFile {
  readonly handle: FileHandle;
  readonly footer: ThriftStruct;
  /** By name: the elements of the schema, and which of the leaves they are. */
  readonly columns: ReadonlyMap<string, SourceColumn>;
}

interface SourceColumn {
  readonly elements: readonly ThriftStruct[];
  readonly leaves: readonly number[];
}

function sourceFile(handle: FileHandle, footer: ThriftStruct): SourceFile {
  const [, ...elements] = structsOf(footer, FILE.schema);
  const columns = new Map<string, SourceColumn>();
  let leaf = 0;
  for (let at = 0; at < elements.length; ) {
    const from = at;
    const leaves: number[] = [];
    for (let open = 1; open > 0; open--, at++) {
      const element = elements[at];
      if (element === undefined) throw new RangeError('The schema ends within a column');
      const children = numberOf(element, SCHEMA_ELEMENT.children) ?? 0;
      if (children === 0) leaves.push(leaf++);
      open += children;
    }
    const name = elements[from]?.get(SCHEMA_ELEMENT.name)?.value;
    columns.set(String(name), { elements: elements.slice(from, at), leaves });
  }
  return { handle, footer, columns };
}

async function place(
  output: FileHandle,
  placed: readonly PlacedColumn[],
  files: ReadonlyMap<string, SourceFile>,
): Promise<void> {
  const columns = placed.map(({ path, column, name }) => {
    const file = files.get(path);
    const found = file?.columns.get(column);
    if (file === undefined || found === undefined) throw new RangeError(`There is no column "${column}"`);
    return { ...found, file, name: Buffer.from(name) };
  });
  const [first] = columns;
  if (first === undefined) throw new RangeError('There are no columns');
  const { footer } = first.file;
  const groups = new Map([...files.values()].map((file) => [file, structsOf(file.footer, FILE.rowGroups)]));
  for (const other of groups.values()) requireAlike(groups.get(first.file) ?? [], other);

  const bytes = copier(output);
  await bytes.add(MAGIC);
  const written: { readonly group: ThriftStruct; readonly chunks: PlacedChunk[] }[] = [];
  for (const [index, like] of structsOf(footer, FILE.rowGroups).entries()) {
    const begin = bytes.position();
    const chunks: PlacedChunk[] = [];
    for (const { file, leaves, name } of columns) {
      const from = structsOf(groups.get(file)?.[index] ?? new Map(), ROW_GROUP.columns);
      for (const leaf of leaves) chunks.push(await placeChunk(bytes, { file, chunk: from[leaf], name }));
    }
    const sum = (field: number) =>
      chunks.reduce((total, { metadata }) => total + BigInt(numberOf(metadata, field) ?? 0), 0n);
    const group = withFields(like, {
      [ROW_GROUP.bytes]: sum(COLUMN.bytes),
      [ROW_GROUP.fileOffset]: BigInt(begin),
      [ROW_GROUP.compressedBytes]: sum(COLUMN.compressedBytes),
    });
    written.push({ group, chunks });
  }
  const rowGroups: ThriftValue[] = [];
  for (const { group, chunks } of written) {
    const placedChunks: ThriftValue[] = [];
    for (const chunk of chunks) placedChunks.push(await placeBloomFilter(bytes, chunk));
    rowGroups.push(withItems(group, ROW_GROUP.columns, placedChunks));
  }
  await bytes.add(endOfFile(footerOf(footer, columns, rowGroups)));
  await bytes.flush();
}

function footerOf(
  like: ThriftStruct,
  columns: readonly (SourceColumn & { readonly file: SourceFile; readonly name: Buffer })[],
  rowGroups: readonly ThriftValue[],
): ThriftStruct {
  const [root = new Map()] = structsOf(like, FILE.schema);
  const elements = columns.flatMap(({ elements: [top = new Map(), ...below], name }) => [
    withFields(top, { [SCHEMA_ELEMENT.name]: name }),
    ...below,
  ]);
  const orders = columns.flatMap(({ file, leaves }) => {
    const all = listOf(file.footer, FILE.columnOrders).items;
    return leaves.flatMap((leaf) => all[leaf] ?? []);
  });
  const schema = [withFields(root, { [SCHEMA_ELEMENT.children]: BigInt(columns.length) }), ...elements];
  return withItems(
    withItems(withItems(like, FILE.schema, schema), FILE.rowGroups, rowGroups),
    FILE.columnOrders,
    orders,
  );
}

function requireAlike(these: readonly ThriftStruct[], those: readonly ThriftStruct[]): void {
  const rows = (groups: readonly ThriftStruct[]) =>
    groups.map((group) => numberOf(group, ROW_GROUP.rows)).join(', ');
  if (rows(these) !== rows(those))
    throw new RangeError(`Row groups of ${rows(these)} and ${rows(those)} rows`);
}

interface PlacedChunk {
  readonly file: SourceFile;
  readonly chunk: ThriftStruct;
  readonly metadata: ThriftStruct;
}

/** Copies a column's pages in one row group. */
async function placeChunk(
  bytes: Copier,
  {
    file,
    chunk,
    name,
  }: { readonly file: SourceFile; readonly chunk: ThriftStruct | undefined; readonly name: Buffer },
): Promise<PlacedChunk> {
  if (chunk === undefined) throw new RangeError('A row group lacks a column');
  if (chunk.has(COLUMN_CHUNK.offsetIndex) || chunk.has(COLUMN_CHUNK.columnIndex)) {
    throw new RangeError('A column has an index of its pages, which is not copied');
  }
  const metadata = structOf(chunk, COLUMN_CHUNK.metadata);
  const offsets = [COLUMN.dataPage, COLUMN.indexPage, COLUMN.dictionaryPage].flatMap((field) => {
    const offset = numberOf(metadata, field);
    return offset === null ? [] : [[field, offset] as const];
  });
  const from = Math.min(...offsets.map(([, offset]) => offset));
  const moved = bytes.position() - from;
  await bytes.copy(file.handle, from, numberOf(metadata, COLUMN.compressedBytes) ?? 0);
  const path = listOf(metadata, COLUMN.path);
  return {
    file,
    chunk,
    metadata: withFields(metadata, {
      ...Object.fromEntries(offsets.map(([field, offset]) => [field, BigInt(offset + moved)])),
      [COLUMN.path]: { ...path, items: [name, ...path.items.slice(1)] },
    }),
  };
}

/** Copies what tells which values a column has in a row group, if there is such a thing. */
async function placeBloomFilter(
  bytes: Copier,
  { file, chunk, metadata }: PlacedChunk,
): Promise<ThriftStruct> {
  const from = numberOf(metadata, COLUMN.bloomFilter);
  if (from === null) return withFields(chunk, { [COLUMN_CHUNK.metadata]: metadata });
  const offset = BigInt(bytes.position());
  const length = numberOf(metadata, COLUMN.bloomFilterBytes);
  if (length === null) throw new RangeError('A bloom filter of a column has no length');
  await bytes.copy(file.handle, from, length);
  return withFields(chunk, {
    [COLUMN_CHUNK.metadata]: withFields(metadata, { [COLUMN.bloomFilter]: offset }),
  });
}

interface Copier {
  /** Where the next byte goes. */
  position(): number;
  add(bytes: Buffer): Promise<void>;
  copy(from: FileHandle, position: number, length: number): Promise<void>;
  flush(): Promise<void>;
}

/** Bytes at a time. */
const BUFFER = 4 * 2 ** 20;

/** Writes one piece after another; pieces that lie beside one another are read at once. */
function copier(output: FileHandle): Copier {
  const buffer = Buffer.allocUnsafe(BUFFER);
  let filled = 0;
  let position = 0;
  let pending: { readonly from: FileHandle; readonly position: number; length: number } | null = null;

  async function flush(): Promise<void> {
    await readPending();
    for (let done = 0; done < filled; )
      done += (await output.write(buffer, done, filled - done)).bytesWritten;
    filled = 0;
  }

  async function readPending(): Promise<void> {
    if (pending === null) return;
    const { from, position: begin, length } = pending;
    pending = null;
    for (let done = 0; done < length; ) {
      if (filled === BUFFER) await flush();
      const wanted = Math.min(length - done, BUFFER - filled);
      const { bytesRead } = await from.read(buffer, filled, wanted, begin + done);
      if (bytesRead === 0) throw new RangeError('A file ends within a column');
      filled += bytesRead;
      done += bytesRead;
    }
  }

  return {
    position: () => position,
    async add(bytes) {
      await flush();
      await output.write(bytes);
      position += bytes.length;
    },
    async copy(from, begin, length) {
      if (pending?.from === from && pending.position + pending.length === begin) pending.length += length;
      else {
        await readPending();
        pending = { from, position: begin, length };
      }
      position += length;
    },
    flush,
  };
}
