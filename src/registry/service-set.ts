import type { Micros } from '../core/time.ts';

/** A training set that was asked for by the name of a feature service. */
export interface ServiceSet {
  readonly project: string;
  readonly service: string;
  /** Of the training set. */
  readonly id: string;
  readonly rows: number;
  /** `any`, `row` or an ISO 8601 time. */
  readonly knownAt: string;
  /** When the set was made, which may be before it was asked for so. */
  readonly createdAt: Micros;
}
