import type { KeyValue, Value } from '../core/value-type.ts';

/** The distinct keys of some rows, and which of them each row has. */
export interface DistinctKeys {
  readonly keys: readonly (readonly KeyValue[])[];
  /** By row; −1 where a part of the key is null, which matches nothing (rule 1 of `core/as-of.ts`). */
  readonly indexes: Int32Array;
}

/**
 * Equal means equal in type and value: (1, 23) is not (12, 3), nor 1 the text "1". Columns are of one length; without
 * any, every row has the one key of no parts.
 */
export function buildKeys(columns: readonly (readonly Value[])[], rows: number): DistinctKeys {
  const indexes = new Int32Array(rows).fill(-1);
  const keys: KeyValue[][] = [];
  const seen = new Map<KeyValue | undefined, number>();
  const [only] = columns;
  for (let row = 0; row < rows; row++) {
    const key = columns.length === 1 ? alone(only?.[row]) : keyOf(columns, row);
    if (key === undefined) continue;
    const id = columns.length === 1 ? idOfOne(key[0]) : idOf(key);
    let at = seen.get(id);
    if (at === undefined) {
      at = keys.push(key) - 1;
      seen.set(id, at);
    }
    indexes[row] = at;
  }
  return { keys, indexes };
}

/** A copy, which V8 does not count, as it would a literal (`ReadRow` tells why). */
const ONE: readonly KeyValue[] = [''];

function alone(value: Value | undefined): KeyValue[] | undefined {
  if (value === null || value === undefined || typeof value === 'object') return undefined;
  const key = ONE.slice();
  key[0] = value;
  return key;
}

/** A map looks up numbers sooner than bigints; those that a number cannot hold stay as they are. */
function idOfOne(value: KeyValue | undefined): KeyValue | undefined {
  if (typeof value !== 'bigint') return value;
  const near = Number(value);
  return Number.isSafeInteger(near) ? near : value;
}

function keyOf(columns: readonly (readonly Value[])[], row: number): KeyValue[] | undefined {
  const key: KeyValue[] = [];
  for (const column of columns) {
    const value = column[row];
    if (value === null || value === undefined || typeof value === 'object') return undefined;
    key.push(value);
  }
  return key;
}

/** Types are the same in every row of a column, so the lengths alone keep neighbours apart. */
function idOf(key: readonly KeyValue[]): string {
  let id = '';
  for (const part of key) {
    const text = String(part);
    id += `${text.length}:${text}`;
  }
  return id;
}
