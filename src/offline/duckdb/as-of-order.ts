import { CREATED_TIME, EVENT_TIME } from '../offline-columns.ts';

/** How rows of one entity are compared: an SQL value a row, which is greater for the newer one. */
export interface RowOrder {
  /** Of a row of the files. */
  readonly row: string;
  /** From an entity row's time `t` in BIGINT microseconds: no row with event time ≤ t + offset has a greater order. */
  ceiling(t: string, offset: bigint): string;
  /** No row with event time ≥ t + offset has a lesser order, and every row with an earlier one has. */
  floor(t: string, offset: bigint): string;
}

/** Microseconds, both included. */
export interface Bounds {
  readonly least: bigint;
  readonly most: bigint;
}

/** Between which values everything that decides recency lies. */
export interface RecencyBounds {
  readonly event: Bounds;
  readonly created: Bounds;
  readonly lastRevision: number;
}

const event = `epoch_us(${EVENT_TIME})`;
const created = `epoch_us(${CREATED_TIME})`;

/** By event time alone: enough when no two rows of an entity share one. */
export const BY_EVENT_TIME: RowOrder = {
  row: event,
  ceiling: (t, offset) => `${t} + ${offset}`,
  floor: (t, offset) => `${t} + ${offset}`,
};

/**
 * By event time, created time and revision (rule 4): as the digits of one integer where they fit, because sorting by
 * a struct takes twice as long.
 */
export function byRecency(bounds: RecencyBounds | null): RowOrder {
  const packed = bounds === null ? null : byDigits(bounds);
  return packed ?? BY_STRUCT;
}

function byDigits({ event: times, created: writes, lastRevision }: RecencyBounds): RowOrder | null {
  const revisions = BigInt(lastRevision) + 1n;
  const perTime = (writes.most - writes.least + 1n) * revisions;
  // A time before or after all others stands for everything beyond them.
  const all = (times.most - times.least + 3n) * perTime;
  if (all >= 2n ** 126n) return null;
  const type = all < 2n ** 62n ? 'BIGINT' : 'HUGEINT';
  const place = (t: string, offset: bigint) =>
    `CAST(least(greatest(${t} + ${offset}, ${times.least - 1n}), ${times.most + 1n}) - (${times.least}) AS ${type}) * ${perTime}`;
  return {
    row: `CAST(${event} - (${times.least}) AS ${type}) * ${perTime} + CAST(${created} - (${writes.least}) AS ${type}) * ${revisions} + __revision`,
    ceiling: (t, offset) => `${place(t, offset)} + ${perTime - 1n}`,
    floor: place,
  };
}

const BY_STRUCT: RowOrder = {
  row: `{'e': ${event}, 'c': ${created}, 'r': __revision}`,
  ceiling: (t, offset) =>
    `{'e': ${t} + ${offset}, 'c': 9223372036854775807::BIGINT, 'r': 2147483647::INTEGER}`,
  floor: (t, offset) => `{'e': ${t} + ${offset}, 'c': (-9223372036854775807)::BIGINT, 'r': 0::INTEGER}`,
};
