import { open } from 'node:fs/promises';
import {
  BIGINT,
  DOUBLE,
  type DuckDBConnection,
  DuckDBDataChunk,
  type DuckDBType,
  type DuckDBValue,
  HUGEINT,
  VARCHAR,
} from '@duckdb/node-api';
import { type Data, DataType, RecordBatchReader, type Schema } from 'apache-arrow';
import { TidemarkError } from '../../../core/errors.ts';
import { identifier } from '../sql-text.ts';

/** Rows that DuckDB takes at a time. */
const ROWS_A_CHUNK = 2048;

/** How values of an Arrow type are told apart and ordered in DuckDB, which has no reader of such files. */
interface LoadedType {
  readonly type: DuckDBType;
  valueAt(data: Data, row: number): DuckDBValue;
}

/**
 * Fills a temporary table with columns of Arrow files that `writeArrow` made, in the order of their rows. Text and
 * booleans are text there; numbers and times are numbers that are ordered as they are: a time is what it counts. A
 * record batch is held at a time. SOURCE_UNREADABLE for a file that is not there, or is none of these.
 */
export async function loadArrow(
  connection: DuckDBConnection,
  paths: readonly string[],
  { table, columns, signal }: LoadRequest,
): Promise<void> {
  let made: readonly LoadedType[] | undefined;
  for (const path of paths) {
    const file = await opened(path);
    try {
      const reader = await RecordBatchReader.from(file);
      await reader.open();
      made ??= await createTable(connection, table, columns, reader.schema, path);
      const appender = await connection.createAppender(table, 'main', 'temp');
      for await (const batch of reader) {
        signal?.throwIfAborted();
        const data = columns.map((name) => batch.getChild(name)?.data[0]);
        for (let from = 0; from < batch.numRows; from += ROWS_A_CHUNK) {
          appender.appendDataChunk(chunkOf(made, data, from, Math.min(ROWS_A_CHUNK, batch.numRows - from)));
        }
      }
      appender.closeSync();
    } catch (error) {
      if (error instanceof TidemarkError || signal?.aborted === true) throw error;
      throw unreadable(path, error);
    } finally {
      await file.close();
    }
  }
}

export interface LoadRequest {
  readonly table: string;
  readonly columns: readonly string[];
  readonly signal?: AbortSignal | undefined;
}

async function createTable(
  connection: DuckDBConnection,
  table: string,
  columns: readonly string[],
  schema: Schema,
  path: string,
): Promise<readonly LoadedType[]> {
  const types = columns.map((name) => {
    const type = schema.fields.find((field) => field.name === name)?.type;
    const loaded = type === undefined ? undefined : loadedType(type);
    if (loaded !== undefined) return loaded;
    throw unreadable(path, `its column "${name}" is ${type === undefined ? 'not there' : String(type)}`);
  });
  const defined = columns.map((name, at) => `${identifier(name)} ${types[at]?.type}`);
  await connection.run(`CREATE OR REPLACE TEMP TABLE ${identifier(table)} (${defined.join(', ')})`);
  return types;
}

function chunkOf(
  types: readonly LoadedType[],
  data: readonly (Data | undefined)[],
  from: number,
  count: number,
): DuckDBDataChunk {
  const chunk = DuckDBDataChunk.create(
    types.map(({ type }) => type),
    count,
  );
  for (const [at, { valueAt }] of types.entries()) {
    const column = data[at];
    const values = Array.from({ length: count }, (_, row) =>
      column?.getValid(from + row) === true ? valueAt(column, from + row) : null,
    );
    chunk.setColumnValues(at, values);
  }
  return chunk;
}

const TEXT = new TextDecoder();

/** Undefined for types whose values are not compared: lists and bytes. */
function loadedType(type: DataType): LoadedType | undefined {
  if (DataType.isBool(type)) {
    return {
      type: VARCHAR,
      valueAt: ({ values }, row) => String(((values[row >> 3] >> (row & 7)) & 1) === 1),
    };
  }
  if (DataType.isUtf8(type)) {
    return {
      type: VARCHAR,
      valueAt: ({ values, valueOffsets }, row) =>
        TEXT.decode(values.subarray(valueOffsets[row], valueOffsets[row + 1])),
    };
  }
  if (DataType.isDecimal(type)) return { type: HUGEINT, valueAt: decimalAt };
  if (DataType.isTimestamp(type) || (DataType.isInt(type) && type.bitWidth === 64)) {
    // Of 64 bits without a sign, half do not fit.
    const wide = DataType.isInt(type) && !type.isSigned;
    return { type: wide ? HUGEINT : BIGINT, valueAt: ({ values }, row) => values[row] };
  }
  if (DataType.isInt(type) || DataType.isFloat(type) || DataType.isDate(type)) {
    return { type: DOUBLE, valueAt: ({ values }, row) => Number(values[row]) };
  }
  return undefined;
}

/** 128 bits with a sign, in four words: ordered as the decimals are, all of which have one scale. */
function decimalAt({ values }: Data, row: number): bigint {
  let number = 0n;
  for (let word = 3; word >= 0; word--) number = (number << 32n) | BigInt(values[4 * row + word] >>> 0);
  return BigInt.asIntN(128, number);
}

async function opened(path: string) {
  try {
    return await open(path, 'r');
  } catch (error) {
    throw unreadable(path, error);
  }
}

function unreadable(path: string, reason: unknown): TidemarkError {
  const why = reason instanceof Error ? reason.message : String(reason);
  return new TidemarkError('SOURCE_UNREADABLE', `Cannot read the Arrow file ${path}: ${why}.`, {
    cause: reason,
  });
}
