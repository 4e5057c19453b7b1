import type { VersionComparison } from '../migrate/compare-profiles.ts';
import type { ScheduledSet } from '../registry/scheduled-set.ts';
import type { ForgottenRange, PossibleLeakage } from '../training/manifest.ts';
import type { LabelSummary, TrainingSetRequest } from '../training/training-set.ts';

/**
 * What crosses workflow boundaries: references, never rows; times as ISO text so that histories can be read
 * (payloads ≤ 10 KB). Types only: workflows import this file.
 */
export interface TimeRange {
  readonly start: string;
  readonly end: string;
}

export interface ViewTarget {
  readonly project: string;
  readonly view: string;
  readonly version: number;
}

/** Everything that is missing and due, or the part of it in `range`. */
export interface MaterializeInput extends ViewTarget {
  readonly range?: TimeRange;
  /** Compute what is committed anew. */
  readonly restate?: boolean;
  /** Wait this long first (milliseconds): a schedule that cannot itself wait for the data delay. */
  readonly waitMillis?: number;
  readonly carried?: WorkTotals;
}

export interface BackfillInput extends ViewTarget {
  readonly range?: TimeRange;
  readonly restate?: boolean;
  readonly order?: 'oldest' | 'newest';
  /** Chunks at once; 1 to 16. */
  readonly concurrency?: number;
  readonly carried?: WorkTotals;
  /** Carried over continue-as-new: the part of the range that is left. */
  readonly remaining?: TimeRange;
  readonly paused?: boolean;
}

export interface WorkTotals {
  readonly chunksDone: number;
  readonly intervals: number;
  readonly rows: number;
  readonly bytes: number;
  readonly published: number;
  readonly held: readonly HeldChunk[];
  readonly failed: readonly FailedChunk[];
}

export interface HeldChunk extends TimeRange {
  readonly reason: string;
}

export interface FailedChunk extends TimeRange {
  readonly code: string;
  readonly message: string;
}

/** Answer of the `progress` query. */
export interface WorkProgress extends WorkTotals {
  readonly state: 'planning' | 'running' | 'paused' | 'waiting for a decision' | 'finished';
  /** Chunks known so far, done ones included. */
  readonly chunksPlanned: number;
  readonly running: readonly TimeRange[];
}

export interface PlanChunksInput extends ViewTarget {
  readonly range?: TimeRange;
  readonly restate: boolean;
  readonly order: 'oldest' | 'newest';
  readonly limit: number;
}

export interface PlannedChunk extends TimeRange {
  readonly intervals: number;
  /** Committed already, and computed anew because rows have come to it since. */
  readonly restate?: boolean;
}

export interface PlannedChunks {
  readonly chunks: readonly PlannedChunk[];
  /** What the limit left out lies in this range; null when that is nothing. */
  readonly rest: TimeRange | null;
  /** What waits for a decision already. */
  readonly held: readonly HeldChunk[];
}

export interface ChunkInput extends ViewTarget, TimeRange {
  readonly restate: boolean;
}

export type ChunkResult =
  | {
      readonly kind: 'materialized';
      readonly rows: number;
      readonly bytes: number;
      readonly published: number;
    }
  | { readonly kind: 'skipped' }
  | { readonly kind: 'held'; readonly reason: string };

export interface DecideInput extends ViewTarget, TimeRange {
  readonly decision: 'approve' | 'reject';
  readonly by: string;
}

/** Argument of the `approve` and `reject` updates. */
export interface DecisionRequest {
  readonly by: string;
  /** Undefined: everything that waits. */
  readonly range?: TimeRange;
}

export interface MigrateInput {
  readonly project: string;
  readonly view: string;
  readonly from: number;
  readonly to: number;
  /** Chunks of the backfill at once. */
  readonly concurrency?: number;
}

export type MigrateState =
  | 'backfilling'
  | 'comparing'
  | 'waiting for approval'
  | 'cutting over'
  | 'soaking'
  | 'retiring'
  | 'aborting'
  | 'retired'
  | 'aborted';

/** Answer of the `progress` query of a migration, and its result. */
export interface MigrateProgress extends MigrateInput {
  readonly state: MigrateState;
  readonly serving: number;
  readonly backfill: WorkTotals | null;
  readonly comparison: VersionComparison | null;
  /** Who approved, aborted or retired, in order. */
  readonly decisions: readonly string[];
  /** Why the last attempt to retire was refused. */
  readonly refused: string | null;
}

export interface MonitorInput {
  readonly project: string;
}

export interface TrainResult {
  /** SHA-256 of the manifest. */
  readonly id: string;
  readonly path: string;
  readonly rows: number;
  /** Rows of `train`, `validation` and `test`; undefined without a split. */
  readonly parts?: Readonly<Record<string, number>>;
  /** By output column: the share of rows without a value; null where there are no rows. */
  readonly nullShares: Readonly<Record<string, number | null>>;
  /** Undefined when none was asked for. */
  readonly label?: LabelSummary;
  /** Undefined in results of before it was looked for. */
  readonly possibleLeakage?: readonly PossibleLeakage[];
  /** Undefined in results of before it was told. */
  readonly forgotten?: readonly ForgottenRange[];
  /** The page of statistics, when it was asked for. */
  readonly statistics?: string;
  /** Whether the set was there already. */
  readonly reused: boolean;
}

/** One tick of a scheduled training set. */
export interface ScheduledTrainingSetInput {
  readonly project: string;
  /** Its name. */
  readonly schedule: string;
  /** The data delay: how long after the tick it is built. */
  readonly waitMillis: number;
}

export interface PlanScheduledSetInput {
  readonly project: string;
  readonly schedule: string;
  /** ISO 8601: the tick is the last one up to then. */
  readonly at: string;
}

export interface PlannedScheduledSet {
  readonly tick: string;
  /** SHA-256 of the manifest. */
  readonly id: string;
  readonly request: TrainingSetRequest;
}

export type ScheduledSetOutcome = ScheduledSet['outcome'];

export interface RecordScheduledSetInput {
  readonly project: string;
  readonly schedule: string;
  readonly tick: string;
  readonly outcome: ScheduledSetOutcome;
}

export interface TrainProgress {
  readonly state: 'building' | 'finished';
}

/** What a running build told with its last heartbeat. */
export interface BuildProgress {
  readonly phase: string;
  /** 0 to 1. */
  readonly share: number;
  /** Of the phase, where it counts rows. */
  readonly rows?: { readonly done: number; readonly total: number };
}
