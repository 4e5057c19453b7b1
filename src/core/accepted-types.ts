import { type ScalarType, type ValueType, valueTypeOf } from './value-type.ts';

/**
 * The column types from which a feature or key of a type can be made without losing anything; int64 to float64 loses
 * what lies beyond 2^53 and is taken because it is asked for by name.
 */
const ACCEPTED: Readonly<Record<ScalarType, readonly ScalarType[]>> = {
  bool: ['bool'],
  int32: ['int32'],
  int64: ['int64', 'int32'],
  float32: ['float32'],
  float64: ['float64', 'float32', 'int64', 'int32'],
  string: ['string'],
  bytes: ['bytes'],
  timestamp: ['timestamp', 'date'],
  date: ['date'],
  json: ['json', 'string'],
};

/** The types of column that a declared type can be made from, itself first. */
export function acceptedTypes(declared: ValueType): readonly ValueType[] {
  const parsed = valueTypeOf(declared);
  switch (parsed.kind) {
    case 'scalar':
      return ACCEPTED[parsed.type];
    case 'array':
      return ACCEPTED[parsed.element].map((element) => `array<${element}>` as const);
    case 'vector':
      return [declared, 'array<float32>', 'array<float64>'];
  }
}

export function isAccepted(found: ValueType | null, declared: ValueType): boolean {
  return found !== null && acceptedTypes(declared).includes(found);
}

/** Of those that are accepted: what is beyond 2^53 is rounded, and text may be no JSON. */
const MAY_LOSE: ReadonlySet<string> = new Set(['int64 float64', 'string json']);

/** Whether every value of type `from` has a form in type `to` from which it could be made again. */
export function keepsEveryValue(from: ValueType, to: ValueType): boolean {
  const item = (type: ValueType) => {
    const parsed = valueTypeOf(type);
    return parsed.kind === 'array' ? parsed.element : type;
  };
  return isAccepted(from, to) && !MAY_LOSE.has(`${item(from)} ${item(to)}`);
}

/** The types that a column of type `found` can be declared as, itself first. */
export function widerTypes(found: ValueType): readonly ValueType[] {
  const parsed = valueTypeOf(found);
  if (parsed.kind === 'vector') return [found];
  const scalar = parsed.kind === 'scalar' ? parsed.type : parsed.element;
  const wider = (Object.keys(ACCEPTED) as readonly ScalarType[]).filter((to) =>
    ACCEPTED[to].includes(scalar),
  );
  const sorted = [scalar, ...wider.filter((to) => to !== scalar)];
  return parsed.kind === 'scalar' ? sorted : sorted.map((element) => `array<${element}>` as const);
}
