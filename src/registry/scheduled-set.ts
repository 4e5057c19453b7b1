import type { Micros } from '../core/time.ts';

/** What a tick of a scheduled training set gave. */
export interface ScheduledSet {
  readonly project: string;
  /** Name of the schedule. */
  readonly schedule: string;
  readonly tick: Micros;
  readonly endedAt: Micros;
  readonly outcome:
    | {
        readonly kind: 'built';
        /** Of the training set. */
        readonly id: string;
        readonly rows: number;
        /** It was there already. */
        readonly reused: boolean;
      }
    | { readonly kind: 'failed'; readonly code: string; readonly message: string };
}
