import { CREATED_TIME, EVENT_TIME } from '../../offline-columns.ts';
import type { Bounds } from './bounds.ts';

/** How rows of one entity are compared: an SQL value a row, which is greater for the newer one. */
export interface RowOrder {
  /** Of a row of the files. */
  readonly row: string;
  /** It is the event time itself, in BIGINT microseconds. */
  readonly isEventTime?: true;
  /** From an entity row's time `t` in BIGINT microseconds: no row with event time ≤ t + offset has a greater order. */
  ceiling(t: string, offset: bigint): string;
  /** No row with event time ≥ t + offset has a lesser order, and every row with an earlier one has. */
  floor(t: string, offset: bigint): string;
}

/** What decides recency, of all rows that can be seen. */
export interface RecencyFacts {
  readonly event: Bounds;
  /** Created time less event time. */
  readonly lag: Bounds;
  /** Both are whole multiples of these, in microseconds, but for the least. */
  readonly eventUnit: bigint;
  readonly lagUnit: bigint;
  readonly lastRevision: number;
}

const event = `epoch_us(${EVENT_TIME})`;
const created = `epoch_us(${CREATED_TIME})`;

/** By event time alone: enough when no two rows of an entity share one. */
export const BY_EVENT_TIME: RowOrder = {
  row: event,
  isEventTime: true,
  ceiling: (t, offset) => `${t} + ${offset}`,
  floor: (t, offset) => `${t} + ${offset}`,
};

/**
 * By event time, created time and revision (rule 4): as the digits of one integer where they fit, because sorting by
 * a struct takes twice as long. Of rows with one event time the lag says which was created later.
 */
export function byRecency({ event: times, lag, eventUnit, lagUnit, lastRevision }: RecencyFacts): RowOrder {
  const revisions = BigInt(lastRevision) + 1n;
  const perTime = ((lag.most - lag.least) / lagUnit + 1n) * revisions;
  // A time before or after all others stands for everything beyond them.
  const all = ((times.most - times.least) / eventUnit + 3n) * perTime;
  if (all >= 2n ** 126n) return BY_STRUCT;
  const type = all < 2n ** 62n ? 'BIGINT' : 'HUGEINT';
  const units = (duration: string, least: bigint, unit: bigint) =>
    `CAST((${duration} - (${least}))${unit === 1n ? '' : ` // ${unit}`} AS ${type})`;
  // From one unit before the least, so that the division rounds towards it.
  const place = (t: string, offset: bigint, up: bigint) => {
    const least = times.least - eventUnit;
    const held = `least(greatest(${t} + ${offset}, ${least}), ${times.most + eventUnit})`;
    return `(${units(`${held} + ${up}`, least, eventUnit)} - 1) * ${perTime}`;
  };
  return {
    row:
      `${units(event, times.least, eventUnit)} * ${perTime} + ${units(`${created} - ${event}`, lag.least, lagUnit)}` +
      (revisions === 1n ? '' : ` * ${revisions} + __revision`),
    ceiling: (t, offset) => `${place(t, offset, 0n)} + ${perTime - 1n}`,
    floor: (t, offset) => place(t, offset, eventUnit - 1n),
  };
}

/** The last resort. */
export const BY_STRUCT: RowOrder = {
  row: `{'e': ${event}, 'c': ${created}, 'r': __revision}`,
  ceiling: (t, offset) =>
    `{'e': ${t} + ${offset}, 'c': 9223372036854775807::BIGINT, 'r': 2147483647::INTEGER}`,
  floor: (t, offset) => `{'e': ${t} + ${offset}, 'c': (-9223372036854775807)::BIGINT, 'r': 0::INTEGER}`,
};
