import { identifier } from '../sql-text.ts';
import type { EngineColumn } from './source-scan.ts';

/** A column as Postgres describes it. */
export interface PostgresColumn {
  readonly name: string;
  readonly oid: number;
  readonly modifier: number;
  readonly typeName: string;
  /** `e` for an enum. */
  readonly kind: string;
  /** The type of an array's elements; null when it is no array. */
  readonly element: { readonly oid: number; readonly kind: string } | null;
}

/** How a column comes over, the same way through DuckDB's extension and as text. */
export interface TransportedColumn extends EngineColumn {
  /** What Postgres sends, in its SQL. */
  readonly sent: string;
  /** The value in DuckDB's SQL, of what the extension gives. */
  readonly fromValue: string;
  /** The same of text, as COPY writes it. */
  readonly fromText: string;
  /** What a time of this column is compared with, as Postgres' type; null when it is no time. */
  readonly timeType: 'timestamptz' | 'timestamp' | null;
}

const JSON_TYPES = new Set([114, 3802]);
const NUMERIC = 1700;
const BYTEA = 17;
const TEXT_TYPES = new Set([25, 1043, 1042, 19, 18, 2950]);
const SCALARS: ReadonlyMap<number, string> = new Map([
  [16, 'BOOLEAN'],
  [21, 'INTEGER'],
  [23, 'INTEGER'],
  [20, 'BIGINT'],
  [26, 'BIGINT'],
  [700, 'FLOAT'],
  [701, 'DOUBLE'],
  [1114, 'TIMESTAMP'],
  [1184, 'TIMESTAMP WITH TIME ZONE'],
  [1082, 'DATE'],
]);

/** Null when Tidemark has no type for it; the column is then told by its Postgres type, and not sent. */
export function transported(column: PostgresColumn): TransportedColumn | null {
  const name = identifier(column.name);
  const { element } = column;
  if (element !== null) {
    const type = scalarOf(element.oid, -1, element.kind);
    if (type === null || type.engineType === 'BLOB') return null;
    // As JSON, which tells nulls, and quotes what has to be quoted.
    const value = `CAST(CAST(${name} AS JSON) AS ${type.engineType}[])`;
    return {
      name: column.name,
      engineType: `${type.engineType}[]`,
      sent: `to_json(${name}${type.cast === '' ? '' : `${type.cast}[]`})::text`,
      fromValue: value,
      fromText: value,
      timeType: null,
    };
  }
  const type = scalarOf(column.oid, column.modifier, column.kind);
  if (type === null) return null;
  const value = `CAST(${name} AS ${type.engineType})`;
  return {
    name: column.name,
    engineType: type.engineType,
    sent: `${name}${type.cast}`,
    fromValue: value,
    fromText: type.engineType === 'BLOB' ? `unhex(substr(${name}, 3))` : value,
    timeType:
      column.oid === 1184 ? 'timestamptz' : column.oid === 1114 || column.oid === 1082 ? 'timestamp' : null,
  };
}

function scalarOf(
  oid: number,
  modifier: number,
  kind: string,
): { readonly engineType: string; readonly cast: string } | null {
  const plain = SCALARS.get(oid);
  if (plain !== undefined) return { engineType: plain, cast: '' };
  if (TEXT_TYPES.has(oid) || kind === 'e') return { engineType: 'VARCHAR', cast: '::text' };
  if (JSON_TYPES.has(oid)) return { engineType: 'JSON', cast: '::text' };
  if (oid === BYTEA) return { engineType: 'BLOB', cast: '' };
  if (oid !== NUMERIC) return null;
  // Tidemark has no decimals: whole numbers that fit are int64, others the nearest float64, rounded by Postgres.
  const precision = ((modifier - 4) >> 16) & 0xffff;
  const scale = (modifier - 4) & 0x7ff;
  return modifier >= 4 && scale === 0 && precision <= 18
    ? { engineType: 'BIGINT', cast: '::int8' }
    : { engineType: 'DOUBLE', cast: '::float8' };
}
