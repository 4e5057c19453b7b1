import {
  blobValue,
  type DuckDBConnection,
  DuckDBDataChunk,
  type DuckDBType,
  type DuckDBValue,
  listValue,
} from '@duckdb/node-api';
import { type ScalarType, type Value, type ValueType, valueTypeOf } from '../../../core/value-type.ts';
import type { ComputedColumns } from '../../as-of-engine.ts';
import { duckDbType, readColumn, transported } from '../types.ts';
import { type OutputColumn, rowsSql, type SideBySide, valueSql } from './as-of-tables.ts';

/** Rows in JavaScript at a time, a multiple of what one chunk of DuckDB's holds. */
const BATCH = 40_960;
const CHUNK = 2048;

/** Makes `__computed_<index>` with the outputs of a function of each row, batch by batch in the spine's order. */
export async function computeColumns(
  connection: DuckDBConnection,
  computed: ComputedColumns,
  tables: SideBySide,
  { index, rows, onRows }: { readonly index: number; readonly rows: number; onRows(done: number): void },
): Promise<readonly OutputColumn[]> {
  const table = `__computed_${index}`;
  const columns = computed.outputs.map(({ type }, at) => `f${at} ${carrier(type)}`);
  await connection.run(`CREATE TEMP TABLE ${table} (${columns.join(', ')})`);
  const appender = await connection.createAppender(table, 'main', 'temp');
  try {
    const types = computed.outputs.map((_, at) => appender.columnType(at));
    const inputs = computed.inputs.map(({ name, type }) => ({
      name,
      select: (sql: string) => transported(`CAST(${sql} AS ${duckDbType(type)})`, type),
    }));
    for (let from = 0; from < rows; from += BATCH) {
      const read = await connection.stream(
        rowsSql(tables, inputs, { from, to: Math.min(from + BATCH, rows) }),
      );
      const batch: Value[][] = [];
      for (
        let chunk = await read.fetchChunk();
        chunk !== null && chunk.rowCount > 0;
        chunk = await read.fetchChunk()
      ) {
        const given = computed.inputs.map(({ type }, at) => readColumn(chunk.getColumnVector(at), type));
        for (let row = 0; row < chunk.rowCount; row++) {
          const values = computed.compute(
            given.map((column) => column[row] ?? null),
            from + batch.length,
          );
          batch.push([...values]);
        }
      }
      for (let at = 0; at < batch.length; at += CHUNK) {
        appender.appendDataChunk(chunkOf(computed, types, batch.slice(at, at + CHUNK)));
      }
      onRows(Math.min(from + BATCH, rows));
    }
    appender.flushSync();
  } finally {
    appender.closeSync();
  }
  return computed.outputs.map(({ name, type }, at) => ({
    name,
    table,
    column: `f${at}`,
    value: (sql: string) => restored(sql, type),
  }));
}

function chunkOf(
  { outputs }: ComputedColumns,
  types: readonly DuckDBType[],
  rows: readonly (readonly Value[])[],
): DuckDBDataChunk {
  const chunk = DuckDBDataChunk.create(types, rows.length);
  for (const [at, { type }] of outputs.entries()) {
    chunk.setColumnValues(
      at,
      rows.map((row) => carried(row[at] ?? null, type)),
    );
  }
  return chunk;
}

/** The column type that a value enters DuckDB by: the counterpart of `transported`. */
function carrier(type: ValueType): string {
  const parsed = valueTypeOf(type);
  switch (parsed.kind) {
    case 'scalar':
      return scalarCarrier(parsed.type);
    case 'array':
      return `${scalarCarrier(parsed.element)}[]`;
    case 'vector':
      return 'FLOAT[]';
  }
}

function scalarCarrier(type: ScalarType): string {
  if (type === 'timestamp') return 'BIGINT';
  return type === 'date' || type === 'json' ? 'VARCHAR' : duckDbType(type);
}

function carried(value: Value, type: ValueType): DuckDBValue {
  if (value === null) return null;
  const parsed = valueTypeOf(type);
  if (value instanceof Float32Array) return listValue([...value]);
  if (parsed.kind === 'array' && Array.isArray(value)) return listValue(value.map(carriedScalar));
  return carriedScalar(value);
}

function carriedScalar(value: Value): DuckDBValue {
  if (value instanceof Uint8Array) return blobValue(value);
  if (value !== null && typeof value === 'object')
    throw new TypeError('A scalar was expected where a list is');
  return value;
}

/** A carried column as its own type. */
function restored(sql: string, type: ValueType): string {
  const parsed = valueTypeOf(type);
  if (type === 'timestamp') return `make_timestamp(${sql})`;
  if (parsed.kind === 'array' && parsed.element === 'timestamp') {
    return `list_transform(${sql}, lambda item: make_timestamp(item))`;
  }
  return valueSql(sql, type);
}
