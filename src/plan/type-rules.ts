import { isAccepted, widerTypes } from '../core/accepted-types.ts';
import type { SimpleFunction } from '../core/aggregation.ts';
import type { ScalarType, ValueType } from '../core/value-type.ts';

export const TIME_TYPES: readonly ValueType[] = ['timestamp', 'date'];
const NUMBERS: readonly ValueType[] = ['int32', 'int64', 'float32', 'float64'];
const WHOLE_NUMBERS: readonly ValueType[] = ['int32', 'int64'];
/** Values with an order: the smallest, the first and the most frequent are then decided by the values alone. */
const ORDERED: readonly ValueType[] = [
  'bool',
  'int32',
  'int64',
  'float32',
  'float64',
  'string',
  'bytes',
  'timestamp',
  'date',
];

export type AggregationType =
  | { readonly ok: true; readonly type: ValueType }
  /** `about` says whether the column or the declared type is at fault. */
  | { readonly ok: false; readonly about: 'column' | 'type'; readonly allowed: readonly ValueType[] };

/**
 * The type of a feature aggregated from a column of type `column` (null: it has no Tidemark type), when `declared`
 * (null: nothing) is asked for.
 */
export function aggregationType(
  fn: SimpleFunction,
  column: ValueType | null,
  declared: ValueType | null,
): AggregationType {
  switch (fn) {
    case 'count':
    case 'countDistinct':
      return exactly('int64', declared);
    case 'sum':
      if (declared === 'int64') return needs(column, WHOLE_NUMBERS, 'int64');
      return both(needs(column, NUMBERS, 'float64'), exactly('float64', declared, ['float64', 'int64']));
    case 'avg':
    case 'stddev':
    case 'median':
    case 'quantile':
      return both(needs(column, NUMBERS, 'float64'), exactly('float64', declared));
    case 'min':
    case 'max':
    case 'mode':
    case 'first':
    case 'last':
      if (column === null || !ORDERED.includes(column)) return fault('column', ORDERED);
      return widened(column, declared);
    case 'collectList': {
      if (column === null || !ORDERED.includes(column)) return fault('column', ORDERED);
      return widened(`array<${column as ScalarType}>`, declared);
    }
  }
}

export function isNumber(type: ValueType): boolean {
  return NUMBERS.includes(type);
}

function needs(column: ValueType | null, allowed: readonly ValueType[], type: ValueType): AggregationType {
  return column !== null && allowed.includes(column) ? { ok: true, type } : fault('column', allowed);
}

function exactly(
  type: ValueType,
  declared: ValueType | null,
  allowed: readonly ValueType[] = [type],
): AggregationType {
  return declared === null || declared === type ? { ok: true, type } : fault('type', allowed);
}

function widened(found: ValueType, declared: ValueType | null): AggregationType {
  if (declared === null) return { ok: true, type: found };
  if (isAccepted(found, declared)) return { ok: true, type: declared };
  return fault('type', widerTypes(found));
}

function both(first: AggregationType, second: AggregationType): AggregationType {
  return first.ok ? second : first;
}

function fault(about: 'column' | 'type', allowed: readonly ValueType[]): AggregationType {
  return { ok: false, about, allowed };
}
