import type { LayeredQuery } from './layered-query.ts';

/**
 * Exact sums of floating-point numbers in windows.
 *
 * Adding doubles depends on their order, and a window function adds in an order that follows from how the range
 * was cut and how many threads ran. So each double is cut into whole numbers (limbs) of a fixed-point scale that
 * holds every bit of every value at hand; whole numbers add exactly, in any order; and the exact total is rounded
 * once, correctly (half to even). Because nothing is lost, the result does not depend on the scale either: other
 * data elsewhere in the range, which may ask for another scale, cannot change it.
 */
export interface ExactShape {
  /** Every value is a multiple of 2^low. */
  readonly low: number;
  /** How many limbs; of one up to 86 bits, of several 60 bits each. */
  readonly limbs: number;
  /** Whether one limb fits a BIGINT. */
  readonly narrow: boolean;
}

const LIMB_BITS = 60;
/** Sums of up to 2^40 such values fit a HUGEINT. */
const SINGLE_BITS = 86;

/** `low` and `top` bound the values: multiples of 2^low, smaller than 2^top in size. */
export function exactShape(low: number, top: number): ExactShape {
  const bits = Math.max(top - low, 1);
  return bits <= SINGLE_BITS
    ? { low, limbs: 1, narrow: bits <= LIMB_BITS }
    : { low, limbs: Math.ceil(bits / LIMB_BITS), narrow: true };
}

/** One expression per limb, lowest first, of the sum of finite double expressions that the shape holds. */
export function limbsSql(shape: ExactShape, parts: readonly string[]): readonly string[] {
  const type = shape.narrow ? 'BIGINT' : 'HUGEINT';
  return Array.from({ length: shape.limbs }, (_, limb) => {
    const unit = powerOfTwo(shape.low + LIMB_BITS * limb);
    const terms = parts.map((part) => {
      // Remainder, division by a power of two and truncation are exact in doubles.
      const below =
        limb === shape.limbs - 1 ? part : `(${part} % ${powerOfTwo(shape.low + LIMB_BITS * (limb + 1))})`;
      return `CAST(trunc(${below} / ${unit}) AS ${type})`;
    });
    return terms.join(' + ');
  });
}

/** The total in two doubles, `high + low` to twice a double's precision; `high` alone is the rounded total. */
export interface RoundedSum {
  readonly high: string;
  readonly low: string;
  /** The next free level of the query. */
  readonly level: number;
}

/**
 * Rounds the total of limb sums (columns of HUGEINT, lowest first, already on a level below `level`).
 * All intermediate columns are defined on `query`.
 */
export function roundedSum(
  query: LayeredQuery,
  level: number,
  shape: ExactShape,
  sums: readonly string[],
): RoundedSum {
  const leading = sums.length === 1 ? single(query, level, shape, sums) : several(query, level, shape, sums);
  let next = leading.level;
  const { negative, whole, exponent, rest } = leading;
  const shift = query.define(
    next++,
    `CASE WHEN ${whole} < 4611686018427387904 THEN 0 ELSE CAST(floor(log2(CAST(${whole} AS DOUBLE))) AS INTEGER) - 60 END`,
  );
  const kept = query.define(next++, `${whole} >> ${shift}`);
  // A bit that stands for everything cut off makes the conversion to double round the exact total correctly.
  const rounded = query.define(
    next++,
    `CAST(CAST(${kept} | CASE WHEN ${rest} <> 0 OR (${kept} << ${shift}) <> ${whole} THEN 1 ELSE 0 END AS BIGINT) AS DOUBLE)`,
  );
  const sign = `CASE WHEN ${negative} THEN -1.0::DOUBLE ELSE 1.0::DOUBLE END`;
  const high = query.define(next, `${sign} * ${rounded} * pow(2.0, ${exponent} + ${shift})`);
  const low = query.define(
    next,
    `${sign} * (CAST(${whole} - (CAST(${rounded} AS HUGEINT) << ${shift}) AS DOUBLE) * pow(2.0, ${exponent}) + ${rest})`,
  );
  return { high, low, level: next + 1 };
}

/** |total| = whole × 2^exponent + rest, with 0 ≤ rest < 2^exponent, and whole of 60 bits or more unless rest is 0. */
interface Leading {
  readonly negative: string;
  readonly whole: string;
  readonly exponent: string;
  readonly rest: string;
  readonly level: number;
}

function single(query: LayeredQuery, level: number, shape: ExactShape, [sum]: readonly string[]): Leading {
  return {
    negative: `(${sum} < 0)`,
    whole: query.define(level, `abs(CAST(${sum} AS HUGEINT))`),
    exponent: String(shape.low),
    rest: '0.0::DOUBLE',
    level: level + 1,
  };
}

function several(query: LayeredQuery, level: number, shape: ExactShape, sums: readonly string[]): Leading {
  const carried = carry(query, level, sums);
  let next = carried.level;
  const negative = query.define(next++, `(${carried.top} < 0)`);
  const sizes = sums.map((sum) => query.define(next, `CASE WHEN ${negative} THEN -${sum} ELSE ${sum} END`));
  const sized = carry(query, next + 1, sizes);
  next = sized.level;
  const all = [...sized.digits, sized.top].map((digit) => query.define(next, digit));
  next++;
  const choose = (each: (at: number) => string) => {
    const branches: string[] = [];
    for (let at = all.length - 1; at > 1; at--) branches.push(`WHEN ${all[at]} <> 0 THEN ${each(at)}`);
    return `CASE ${branches.join(' ')} ELSE ${each(1)} END`;
  };
  const whole = query.define(
    next,
    choose((at) => `(${all[at]} << ${LIMB_BITS}) + ${all[at - 1]}`),
  );
  const exponent = query.define(
    next,
    choose((at) => String(shape.low + LIMB_BITS * (at - 1))),
  );
  const rest = query.define(
    next,
    choose((at) => {
      const terms = all
        .slice(0, at - 1)
        .map((digit, index) => `CAST(${digit} AS DOUBLE) * ${powerOfTwo(shape.low + LIMB_BITS * index)}`)
        .reverse();
      return terms.length === 0 ? '0.0::DOUBLE' : terms.join(' + ');
    }),
  );
  return { negative, whole, exponent, rest, level: next + 1 };
}

/** How many limbs' carries stand in one expression: more make it quadratic, fewer make levels, which cost memory. */
const CARRIES_PER_LEVEL = 6;

/** Moves what exceeds a limb's 60 bits up: digits in [0, 2^60), and a signed top, all to be used on `level`. */
function carry(
  query: LayeredQuery,
  level: number,
  limbs: readonly string[],
): { digits: readonly string[]; top: string; level: number } {
  const digits: string[] = [];
  let next = level;
  let over = '0::HUGEINT';
  for (const [index, limb] of limbs.entries()) {
    const full = `(${limb} + ${over})`;
    digits.push(`(${full} & 1152921504606846975::HUGEINT)`);
    // Floor division by 2^60: a shift of a negative number is not one, so 2^120 is added and taken off again.
    over = `(((${full} + 1329227995784915872903807060280344576::HUGEINT) >> ${LIMB_BITS}) - 1152921504606846976::HUGEINT)`;
    if (index % CARRIES_PER_LEVEL === CARRIES_PER_LEVEL - 1) over = query.define(next++, over);
  }
  return { digits, top: over, level: next };
}

/** A double literal; the shortest decimal that JavaScript prints reads back as the same double. */
export function powerOfTwo(exponent: number): string {
  return `CAST('${2 ** exponent}' AS DOUBLE)`;
}
