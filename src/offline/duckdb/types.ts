import {
  DuckDBArrayValue,
  DuckDBBlobValue,
  DuckDBDateValue,
  DuckDBListValue,
  DuckDBListVector,
  DuckDBTimestampTZValue,
  DuckDBTimestampValue,
  type DuckDBValue,
  type DuckDBVector,
} from '@duckdb/node-api';
import { type ScalarType, type Value, type ValueType, valueTypeOf } from '../../core/value-type.ts';

const DUCKDB_SCALARS: Readonly<Record<ScalarType, string>> = {
  bool: 'BOOLEAN',
  int32: 'INTEGER',
  int64: 'BIGINT',
  float32: 'FLOAT',
  float64: 'DOUBLE',
  string: 'VARCHAR',
  bytes: 'BLOB',
  timestamp: 'TIMESTAMP',
  date: 'DATE',
  json: 'JSON',
};

/** The DuckDB type a value type is computed and stored as. */
export function duckDbType(type: ValueType): string {
  const parsed = valueTypeOf(type);
  switch (parsed.kind) {
    case 'scalar':
      return DUCKDB_SCALARS[parsed.type];
    case 'array':
      return `${DUCKDB_SCALARS[parsed.element]}[]`;
    case 'vector':
      return `FLOAT[${parsed.size}]`;
  }
}

/**
 * A column of this DuckDB type as it is kept in Parquet: arrays of fixed size as lists, which is what Parquet has.
 * DuckDB writes a null one as if it had items, and other readers refuse such a file.
 */
export function kept(expression: string, engineType: string): string {
  const element = /^(.*)\[\d+\]$/s.exec(engineType)?.[1];
  return element === undefined ? expression : `CAST(${expression} AS ${element}[])`;
}

/** As it is written in what people read: JSON as text, for Polars reads a column that is said to be JSON as bytes. */
export function written(expression: string, engineType: string): string {
  const list = /^JSON\[\d*\]$/.test(engineType);
  if (engineType !== 'JSON' && !list) return kept(expression, engineType);
  return `CAST(${expression} AS ${list ? 'VARCHAR[]' : 'VARCHAR'})`;
}

const SCALARS_OF_DUCKDB: Readonly<Record<string, ScalarType>> = {
  BOOLEAN: 'bool',
  TINYINT: 'int32',
  SMALLINT: 'int32',
  INTEGER: 'int32',
  UTINYINT: 'int32',
  USMALLINT: 'int32',
  UINTEGER: 'int64',
  BIGINT: 'int64',
  // Wider ones are exact or an error: a value that does not fit int64 fails the cast, and nothing is rounded.
  UBIGINT: 'int64',
  HUGEINT: 'int64',
  UHUGEINT: 'int64',
  FLOAT: 'float32',
  DOUBLE: 'float64',
  VARCHAR: 'string',
  UUID: 'string',
  BLOB: 'bytes',
  TIMESTAMP: 'timestamp',
  TIMESTAMP_S: 'timestamp',
  TIMESTAMP_MS: 'timestamp',
  TIMESTAMP_NS: 'timestamp',
  'TIMESTAMP WITH TIME ZONE': 'timestamp',
  DATE: 'date',
  JSON: 'json',
};

/** The value type of a column that DuckDB describes so; null when Tidemark has none (a map, a struct, a time). */
export function valueTypeOfDuckDb(engineType: string): ValueType | null {
  const vector = /^(?:FLOAT|DOUBLE)\[(\d+)\]$/.exec(engineType)?.[1];
  if (vector !== undefined) return `vector(${Number(vector)})`;
  const element = /^(.*)\[\d*\]$/s.exec(engineType)?.[1];
  if (element !== undefined) {
    const inner = scalarOfDuckDb(element);
    return inner === null ? null : `array<${inner}>`;
  }
  return scalarOfDuckDb(engineType);
}

function scalarOfDuckDb(engineType: string): ScalarType | null {
  const known = SCALARS_OF_DUCKDB[engineType];
  if (known !== undefined) return known;
  if (engineType.startsWith('ENUM(')) return 'string';
  const decimal = /^DECIMAL\((\d+),(\d+)\)$/.exec(engineType);
  // DuckDB has none of more digits: see `withWideDecimals`.
  if (Number(decimal?.[1]) > 38) return null;
  if (decimal !== null) return decimal[2] === '0' && Number(decimal[1]) <= 18 ? 'int64' : 'float64';
  return null;
}

/** Whether a column of this DuckDB type can be an event time. A DATE can: it is its midnight, UTC. */
export function isTimeColumn(engineType: string): boolean {
  return engineType.startsWith('TIMESTAMP') || engineType === 'DATE';
}

/**
 * A DuckDB value of a column of value type `type` as a core value. Fine for a few values; batches of rows go
 * through `transported` and `readColumn`, which make no object per value.
 */
export function toValue(value: DuckDBValue, type: ValueType): Value {
  if (value === null) return null;
  const parsed = valueTypeOf(type);
  switch (parsed.kind) {
    case 'scalar':
      return toScalar(value, parsed.type);
    case 'array':
      return itemsOf(value).map((item) => (item === null ? null : toScalar(item, parsed.element)));
    case 'vector':
      return Float32Array.from(itemsOf(value), Number);
  }
}

function itemsOf(value: DuckDBValue): readonly DuckDBValue[] {
  if (value instanceof DuckDBListValue || value instanceof DuckDBArrayValue) return value.items;
  throw new TypeError(`A list was expected where DuckDB gave ${typeof value}`);
}

function toScalar(value: Exclude<DuckDBValue, null>, type: ScalarType): Value {
  switch (type) {
    case 'bool':
      return value === true;
    case 'int32':
    case 'float32':
    case 'float64':
      return Number(value);
    case 'int64':
      return BigInt(value.toString());
    case 'string':
    case 'json':
      return String(value);
    case 'bytes':
      return value instanceof DuckDBBlobValue ? Uint8Array.from(value.bytes) : null;
    case 'timestamp':
      if (value instanceof DuckDBTimestampValue || value instanceof DuckDBTimestampTZValue)
        return value.micros;
      if (typeof value === 'bigint') return value;
      throw new TypeError(`A timestamp was expected where DuckDB gave ${String(value)}`);
    case 'date':
      return value instanceof DuckDBDateValue ? value.toString() : String(value);
  }
}

/**
 * A SELECT expression that carries a column of type `type` to JavaScript in a form that needs no object per
 * value: timestamps as BIGINT, dates as text, vectors as lists. `readColumn` undoes it.
 */
export function transported(expression: string, type: ValueType): string {
  const parsed = valueTypeOf(type);
  switch (parsed.kind) {
    case 'scalar':
      return transportedScalar(expression, parsed.type);
    case 'array':
      return parsed.element === 'timestamp' || parsed.element === 'date' || parsed.element === 'json'
        ? `list_transform(${expression}, lambda item: ${transportedScalar('item', parsed.element)})`
        : expression;
    case 'vector':
      return `CAST(${expression} AS FLOAT[])`;
  }
}

function transportedScalar(expression: string, type: ScalarType): string {
  if (type === 'timestamp') return `epoch_us(${expression})`;
  if (type === 'date' || type === 'json') return `CAST(${expression} AS VARCHAR)`;
  return expression;
}

/** All values of one column of a chunk whose query selected it `transported`. */
export function readColumn(vector: DuckDBVector, type: ValueType): readonly Value[] {
  const parsed = valueTypeOf(type);
  const values = new Array<Value>(vector.itemCount);
  if (parsed.kind === 'scalar' && parsed.type !== 'bytes') {
    for (let row = 0; row < values.length; row++) values[row] = plain(vector.getItem(row));
  } else if (parsed.kind === 'scalar') {
    for (let row = 0; row < values.length; row++) values[row] = bytesOf(vector.getItem(row));
  } else {
    if (!(vector instanceof DuckDBListVector)) throw new TypeError(`A list was expected for ${type}`);
    const items = vector.childVector;
    const read = parsed.kind === 'array' && parsed.element === 'bytes' ? bytesOf : plain;
    for (let row = 0; row < values.length; row++) {
      // A null list has no items vector; its entry is not to be read.
      if (vector.getItemVector(row) === null) {
        values[row] = null;
        continue;
      }
      const offset = vector.getEntryOffset(row);
      const length = vector.getEntryLength(row);
      if (parsed.kind === 'vector') {
        const floats = new Float32Array(length);
        for (let at = 0; at < length; at++) floats[at] = Number(items.getItem(offset + at));
        values[row] = floats;
      } else {
        const list = new Array<Value>(length);
        for (let at = 0; at < length; at++) list[at] = read(items.getItem(offset + at));
        values[row] = list;
      }
    }
  }
  return values;
}

function plain(item: DuckDBValue): Value {
  if (item === null) return null;
  if (typeof item === 'object')
    throw new TypeError(`A column was not transported: DuckDB gave ${String(item)}`);
  return item;
}

function bytesOf(item: DuckDBValue): Value {
  // The bytes belong to the chunk, which is reused: they are copied out.
  return item instanceof DuckDBBlobValue ? Uint8Array.from(item.bytes) : null;
}
