/**
 * Doubles as whole numbers of 2^-1074, the smallest one, and back: arithmetic without rounding, for references
 * that adapters are compared with. Slow.
 */
export function doubleToUnits(value: number): bigint {
  if (!Number.isFinite(value)) throw new RangeError(`${value} is not a finite number`);
  const view = new DataView(new ArrayBuffer(8));
  view.setFloat64(0, value);
  const bits = view.getBigUint64(0);
  const exponent = (bits >> 52n) & 0x7ffn;
  const fraction = bits & 0xfffffffffffffn;
  const size = exponent === 0n ? fraction : (fraction | (1n << 52n)) << (exponent - 1n);
  return bits >> 63n === 1n ? -size : size;
}

/** The nearest double, half to even. */
export function unitsToDouble(units: bigint): number {
  const size = units < 0n ? -units : units;
  const drop = BigInt(Math.max(size.toString(2).length - 53, 0));
  const half = drop === 0n ? 0n : 1n << (drop - 1n);
  const rest = size & ((1n << drop) - 1n);
  let kept = size >> drop;
  if (drop > 0n && (rest > half || (rest === half && (kept & 1n) === 1n))) kept += 1n;
  // In two steps, because the power of two itself may be out of a double's reach.
  const exponent = Number(drop) - 1074;
  const first = Math.trunc(exponent / 2);
  const result = Number(kept) * 2 ** first * 2 ** (exponent - first);
  return units < 0n ? -result : result;
}

/** The largest whole number whose square is not larger. */
export function integerSquareRoot(value: bigint): bigint {
  if (value < 2n) return value;
  let root = 1n << BigInt(Math.ceil(value.toString(2).length / 2));
  for (;;) {
    const next = (root + value / root) >> 1n;
    if (next >= root) return root;
    root = next;
  }
}
