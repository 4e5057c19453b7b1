import type { FeatureRow, Withdrawal } from '../core/rows.ts';
import type { DurationMicros } from '../core/time.ts';
import type { KeyType, KeyValue, ValueType } from '../core/value-type.ts';

/**
 * The online store: one packed row per (project, view version, entity).
 *
 * Invariants that every adapter keeps, and the conformance suite checks:
 * 1. A row lands only if (event time, created time, revision) is greater than what is there; equal is a success
 *    that changes nothing. So the order, number and overlap of writes do not matter. Only `withdraw` goes back.
 * 2. No project, view or entity can be taken for another, whatever characters their names hold.
 * 3. Reading returns what was stored, expired or not, as long as it is kept; age, and whether a row has ended, is
 *    judged by who serves it.
 */
export interface OnlineStore {
  /** Publishes rows; STORE_UNAVAILABLE when the store cannot be reached, and then repeating is safe. */
  write(table: OnlineTable, rows: readonly FeatureRow[]): Promise<WriteResult>;
  /**
   * Puts what is true in place of rows that are not: only where exactly that row (by its recency) is stored, so that
   * nothing newer is lost and repeating is safe. Returns how many were.
   */
  withdraw(table: OnlineTable, withdrawals: readonly Withdrawal[]): Promise<number>;
  /** All reads of a request in one round trip; results stand in the order of requests and their keys. */
  read(requests: readonly ReadRequest[]): Promise<readonly (readonly (FeatureRow | undefined)[])[]>;
  /**
   * Where a table's rows lie, as a whole number: rows of equal ones are written at once when they come together.
   * A store that has no such thing takes rows in any order.
   */
  placeOf?(table: OnlineTable): (key: readonly KeyValue[]) => number;
  /** Every stored row of a table, in no order; for parity checks and comparisons, never in a request's path. */
  scan(table: OnlineTable): AsyncIterable<readonly FeatureRow[]>;
  /** Removes a retired version's rows in the background of other work. Returns how many there were. */
  drop(table: OnlineTable): Promise<number>;
  /** STORE_UNAVAILABLE unless the store answers. */
  ping(): Promise<void>;
  close(): Promise<void>;
}

/** One version of a view as the online store sees it. */
export interface OnlineTable {
  readonly project: string;
  readonly view: string;
  readonly version: number;
  readonly keyTypes: readonly KeyType[];
  readonly valueTypes: readonly ValueType[];
  /** Rows may be dropped by the store once they are older than this and the store's grace; null: never. */
  readonly ttl: DurationMicros | null;
  /** Its rows tell until when they are true (`validTo`); rows of other tables do not. */
  readonly validity?: boolean;
}

export interface ReadRequest {
  readonly table: OnlineTable;
  readonly keys: readonly (readonly KeyValue[])[];
}

export interface WriteResult {
  /** Rows that were newer than what was there. */
  readonly written: number;
  /** Rows that were equal or older. */
  readonly unchanged: number;
}
