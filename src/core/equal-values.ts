import type { Value } from './value-type.ts';

/** Whether two values are the same to the bit; NaN equals itself, arrays and bytes by their items. */
export function equalValues(a: Value, b: Value): boolean {
  if (Object.is(a, b)) return true;
  if (a === null || b === null || typeof a !== 'object' || typeof b !== 'object') return false;
  if (a.length !== b.length) return false;
  for (let index = 0; index < a.length; index++) {
    if (!equalValues(a[index] ?? null, b[index] ?? null)) return false;
  }
  return true;
}
