/** The least and the greatest of some whole numbers, such as times in microseconds. */
export interface Bounds {
  readonly least: bigint;
  readonly most: bigint;
}

export function around(a: Bounds, b: Bounds): Bounds {
  return { least: lesser(a.least, b.least), most: -lesser(-a.most, -b.most) };
}

/** Null when there are none, or one of them is not known. */
export function aroundAll(all: readonly (Bounds | null | undefined)[]): Bounds | null {
  const known = all.flatMap((one) => one ?? []);
  const [first, ...others] = known;
  return first === undefined || known.length < all.length ? null : others.reduce(around, first);
}

export function lesser(a: bigint, b: bigint): bigint {
  return a < b ? a : b;
}
