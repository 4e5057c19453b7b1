/** The types a join key or feature can have. `vector(n)` is an embedding of n float32. */
export type ScalarType =
  | 'bool'
  | 'int32'
  | 'int64'
  | 'float32'
  | 'float64'
  | 'string'
  | 'bytes'
  | 'timestamp'
  | 'date'
  | 'json';
export type ValueType = ScalarType | `array<${ScalarType}>` | `vector(${number})`;

/** Types that may be a join key: exact equality must mean the same thing to every store. */
export type KeyType = 'bool' | 'int32' | 'int64' | 'string' | 'date';

/**
 * A value in memory. int64 is a bigint (never a lossy number), timestamp a bigint of UTC microseconds, date a
 * string `YYYY-MM-DD`, json its text, vector a Float32Array; null is a missing value.
 */
export type Value = boolean | number | bigint | string | Uint8Array | Float32Array | readonly Value[] | null;

export type KeyValue = boolean | number | bigint | string;

/** The TypeScript type of a value of type T, for on-demand transforms and the typed client. */
export type ValueOf<T extends ValueType> = T extends 'bool'
  ? boolean
  : T extends 'int32' | 'float32' | 'float64'
    ? number
    : T extends 'int64' | 'timestamp'
      ? bigint
      : T extends 'string' | 'date' | 'json'
        ? string
        : T extends 'bytes'
          ? Uint8Array
          : T extends `vector(${number})`
            ? Float32Array
            : T extends `array<${infer E extends ScalarType}>`
              ? readonly (ValueOf<E> | null)[]
              : never;

export const SCALAR_TYPES: readonly ScalarType[] = [
  'bool',
  'int32',
  'int64',
  'float32',
  'float64',
  'string',
  'bytes',
  'timestamp',
  'date',
  'json',
];
export const KEY_TYPES: readonly KeyType[] = ['bool', 'int32', 'int64', 'string', 'date'];

/** A value type taken apart, for exhaustive handling. */
export type ParsedType =
  | { readonly kind: 'scalar'; readonly type: ScalarType }
  | { readonly kind: 'array'; readonly element: ScalarType }
  | { readonly kind: 'vector'; readonly size: number };

/** Undefined when the text names no type. */
export function parseValueType(text: string): ParsedType | undefined {
  if (isScalarType(text)) return { kind: 'scalar', type: text };
  const element = /^array<(\w+)>$/.exec(text)?.[1];
  if (element !== undefined && isScalarType(element)) return { kind: 'array', element };
  const size = Number(/^vector\(([1-9]\d{0,5})\)$/.exec(text)?.[1]);
  return Number.isInteger(size) ? { kind: 'vector', size } : undefined;
}

export function isValueType(text: string): text is ValueType {
  return parseValueType(text) !== undefined;
}

/** A type already checked when its definition was loaded. */
export function valueTypeOf(type: ValueType): ParsedType {
  const parsed = parseValueType(type);
  if (parsed === undefined) throw new RangeError(`"${type}" is not a value type`);
  return parsed;
}

function isScalarType(text: string): text is ScalarType {
  return (SCALAR_TYPES as readonly string[]).includes(text);
}
