import fc from 'fast-check';
import type { FeatureRow } from '../../src/core/rows.ts';
import { micros } from '../../src/core/time.ts';
import {
  type KeyType,
  type KeyValue,
  SCALAR_TYPES,
  type ScalarType,
  type Value,
  type ValueType,
} from '../../src/core/value-type.ts';
import type { OnlineTable } from '../../src/online/online-store.ts';

/** A table that nobody else uses. */
export function onlineTable(parts: Partial<OnlineTable> = {}): OnlineTable {
  return {
    project: `p${crypto.randomUUID()}`,
    view: 'activity',
    version: 1,
    keyTypes: ['int64'],
    valueTypes: ['int64'],
    ttl: null,
    ...parts,
  };
}

export function featureRow(
  key: readonly KeyValue[],
  values: readonly Value[],
  recency: { event?: bigint; created?: bigint; revision?: number; validTo?: bigint | null } = {},
): FeatureRow {
  const event = recency.event ?? 1_700_000_000_000_000n;
  return {
    key,
    values,
    eventTime: micros(event),
    createdTime: micros(recency.created ?? event),
    revision: recency.revision ?? 0,
    ...(recency.validTo === undefined
      ? {}
      : { validTo: recency.validTo === null ? null : micros(recency.validTo) }),
  };
}

const int64 = fc.oneof(
  fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }),
  fc.bigInt({ min: -300n, max: 300n }),
  fc.constantFrom(-(2n ** 63n), 2n ** 63n - 1n, 2n ** 53n, 2n ** 53n + 1n, -(2n ** 53n) - 2n, 0n, -1n),
);
const string = fc.oneof(
  fc.string({ unit: 'binary' }),
  fc.string({ unit: 'grapheme' }),
  fc.constantFrom('', '\0', 'a:b', '{x}', '|', '\r\n', 'é', 'e\u0301', '😀'),
);
const date = fc
  .date({ min: new Date('0000-01-01'), max: new Date('9999-12-31'), noInvalidDate: true })
  .map((day) => day.toISOString().slice(0, 10));

const SCALARS: Readonly<Record<ScalarType, fc.Arbitrary<Exclude<Value, null>>>> = {
  bool: fc.boolean(),
  int32: fc.integer(),
  int64,
  float32: fc.float(),
  float64: fc.double(),
  string,
  bytes: fc.uint8Array(),
  timestamp: int64,
  date,
  json: fc.json(),
};

/** A value type with a value of it, or null. */
export const anyTypedValue: fc.Arbitrary<{ readonly type: ValueType; readonly value: Value }> = fc.oneof(
  fc.constantFrom(...SCALAR_TYPES).chain((type) => typed(type, SCALARS[type])),
  fc
    .constantFrom(...SCALAR_TYPES)
    .chain((element) => typed(`array<${element}>`, fc.array(fc.option(SCALARS[element]), { maxLength: 20 }))),
  fc.integer({ min: 1, max: 40 }).chain((size) =>
    typed(
      `vector(${size})`,
      fc.array(fc.float(), { minLength: size, maxLength: size }).map((items) => new Float32Array(items)),
    ),
  ),
);

function typed(type: ValueType, values: fc.Arbitrary<Exclude<Value, null>>) {
  return fc.option(values).map((value) => ({ type, value }));
}

/** Key types with some keys of them. */
export const anyKeys: fc.Arbitrary<{
  readonly types: readonly KeyType[];
  readonly keys: readonly (readonly KeyValue[])[];
}> = fc
  .array(fc.constantFrom<KeyType[]>('bool', 'int32', 'int64', 'string', 'date'), {
    // Of a view without keys there is one key, of no parts.
    minLength: 0,
    maxLength: 3,
  })
  .chain((types) =>
    fc.record({
      types: fc.constant(types),
      keys: fc.array(fc.tuple(...types.map((type) => SCALARS[type] as fc.Arbitrary<KeyValue>)), {
        minLength: 1,
        maxLength: 20,
      }),
    }),
  );
