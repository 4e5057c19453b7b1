import { coerceValue } from '../core/coerce-value.ts';
import { parseTime } from '../core/time.ts';
import { type Value, type ValueType, valueTypeOf } from '../core/value-type.ts';

/**
 * A column's value as the type that a feature or join key declares over it, as the offline side casts it; undefined
 * when the value has no such form (text that is not JSON).
 */
export function widenValue(value: Value, type: ValueType): Value | undefined {
  if (value === null) return null;
  const parsed = valueTypeOf(type);
  if (parsed.kind === 'array' && Array.isArray(value)) {
    const items: Value[] = [];
    for (const item of value as readonly Value[]) {
      const widened = widenValue(item, parsed.element);
      if (widened === undefined) return undefined;
      items.push(widened);
    }
    return items;
  }
  if (type === 'float64' && typeof value === 'bigint') return Number(value);
  if (type === 'timestamp' && typeof value === 'string') return parseTime(value);
  return coerceValue(value, type);
}
