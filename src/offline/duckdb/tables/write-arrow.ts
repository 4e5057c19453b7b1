import { type FileHandle, open } from 'node:fs/promises';
import type { DuckDBConnection, DuckDBDataChunk } from '@duckdb/node-api';
import {
  AsyncByteQueue,
  Data,
  Field,
  RecordBatch,
  RecordBatchFileWriter,
  Schema,
  Struct,
} from 'apache-arrow';
import { TidemarkError } from '../../../core/errors.ts';
import { describeSelect } from '../sources/source-scan.ts';
import { arrowColumnOf } from './arrow-column.ts';
import type { ArrowColumn } from './arrow-scalar-column.ts';

/** What is held in memory at a time, and written as one record batch: so many values, or bytes of text and lists. */
const VALUES_A_BATCH = 2 ** 21;
const BYTES_A_BATCH = 64 * 2 ** 20;
/** Batches are whole multiples of this many rows, however the engine cuts what it reads. */
const ROWS_A_STEP = 1024;

/**
 * Writes the rows of a query, in their order, as an Arrow IPC file: uncompressed, without dictionaries, so that it
 * can be mapped into memory. The same rows give the same bytes. Returns how many there are.
 *
 * `vectors`: the sizes of columns that hold vectors; the engine's type of them may be a list.
 */
export async function writeArrow(
  connection: DuckDBConnection,
  query: string,
  path: string,
  vectors: Readonly<Record<string, number>> = {},
): Promise<number> {
  const described = await describeSelect(connection, query);
  const columns = described.map(({ name, engineType }): ArrowColumn => {
    const column = arrowColumnOf(engineType, vectors[name]);
    if (column !== undefined) return column;
    throw new TidemarkError(
      'REQUEST_INVALID',
      `Cannot write column "${name}" as Arrow: it is ${engineType}. Leave it out, cast it, or write Parquet.`,
    );
  });
  const schema = new Schema(columns.map(({ type }, at) => new Field(described[at]?.name ?? '', type, true)));
  const most =
    Math.min(64, Math.max(1, Math.floor(VALUES_A_BATCH / columns.length / ROWS_A_STEP))) * ROWS_A_STEP;
  const file = await open(path, 'w');
  try {
    const out = createWriter(schema, file);
    let rows = 0;
    let held = 0;
    const flush = async () => {
      if (held > 0) await out.write(columns, held);
      held = 0;
    };
    const result = await connection.stream(query);
    for (let chunk = await result.fetchChunk(); chunk !== null; chunk = await result.fetchChunk()) {
      if (chunk.rowCount === 0) break;
      for (let from = 0; from < chunk.rowCount; ) {
        const to = Math.min(chunk.rowCount, from + ROWS_A_STEP - (held % ROWS_A_STEP));
        append(chunk, columns, { from, to });
        held += to - from;
        rows += to - from;
        from = to;
        const full = held >= most || columns.reduce((sum, one) => sum + one.bytes(), 0) >= BYTES_A_BATCH;
        if (held % ROWS_A_STEP === 0 && full) await flush();
      }
    }
    await flush();
    await out.close();
    return rows;
  } finally {
    await file.close();
  }
}

function append(
  chunk: DuckDBDataChunk,
  columns: readonly ArrowColumn[],
  { from, to }: { readonly from: number; readonly to: number },
): void {
  for (const [at, column] of columns.entries()) {
    const vector = chunk.getColumnVector(at);
    for (let row = from; row < to; row++) column.append(vector, row);
  }
}

/** The library's writer, drained into the file after each batch: its own queue has no bound. */
function createWriter(schema: Schema, file: FileHandle) {
  const pieces: Uint8Array[] = [];
  const queue = new AsyncByteQueue();
  queue.write = (piece) => {
    if (!(piece instanceof Uint8Array)) throw new TypeError('Bytes were expected');
    pieces.push(piece);
  };
  const writer = new RecordBatchFileWriter().reset(queue, schema);
  const drain = async () => {
    for (const piece of pieces.splice(0)) await file.writeFile(piece);
  };
  return {
    async write(columns: readonly ArrowColumn[], rows: number): Promise<void> {
      const children = columns.map((column) => column.take());
      const data = new Data(new Struct(schema.fields), 0, rows, 0, undefined, children);
      writer.write(new RecordBatch(schema, data));
      await drain();
    },
    async close(): Promise<void> {
      writer.close();
      await drain();
    },
  };
}
