import type { FeatureRow } from '../../core/rows.ts';
import type { Micros } from '../../core/time.ts';
import type { KeyValue, Value } from '../../core/value-type.ts';

/**
 * A row as it was read; its values are a copy of an array that is there. V8 counts for each literal (`{…}`, `[…]`,
 * `new Array`) how much of what it made outlives a collection, and what a read under way has made all does. Once it
 * takes rows for long-lived it makes them in the old generation, where each dead one keeps its values until all memory
 * is looked through: pauses of 15 ms in place of 1 and twice the CPU time, for as long as the process runs, in a third
 * of all processes. What a class makes, and copies, are not counted (`node --trace-pretenuring-statistics` shows it).
 */
export class ReadRow implements FeatureRow {
  readonly key: readonly KeyValue[];
  readonly eventTime: Micros;
  readonly createdTime: Micros;
  readonly revision: number;
  readonly values: readonly Value[];
  // Of rows that end alone.
  declare validTo?: Micros | null;

  constructor(
    key: readonly KeyValue[],
    eventTime: Micros,
    createdTime: Micros,
    revision: number,
    values: readonly Value[],
  ) {
    this.key = key;
    this.eventTime = eventTime;
    this.createdTime = createdTime;
    this.revision = revision;
    this.values = values;
  }
}
