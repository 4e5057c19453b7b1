import type { FeatureViewSpec } from '../core/feature-view.ts';
import type { Manifest } from '../core/manifest.ts';

/**
 * A plan is data: made by one pure builder, shown by `explain`, executed by `apply`. Times are ISO text and
 * intervals are ranges, so that a plan is JSON and its hash can be compared.
 */
export interface Plan {
  readonly project: string;
  /** The registry revision the plan starts from. */
  readonly baseRevision: number;
  readonly manifest: Manifest;
  readonly changes: readonly PlannedChange[];
  readonly schedules: readonly PlannedSchedule[];
  readonly backfills: readonly PlannedBackfill[];
  /** On-demand versions that were applied before functions were looked at: theirs is noted by this apply. */
  readonly notedFunctions?: readonly string[];
  /** SHA-256 of everything that is executed: changes and schedules on top of the base revision. */
  readonly hash: string;
}

export interface PlannedChange {
  readonly kind: 'entity' | 'source' | FeatureViewSpec['kind'] | 'feature_service' | 'training_set_schedule';
  /** `user`, `user_activity@v1`, … */
  readonly object: string;
  readonly change: 'added' | 'changed' | 'removed';
  /** Of a change: `metadata` alters no value, `additive` adds or widens, `breaking` needs a new version. */
  readonly severity: 'metadata' | 'additive' | 'breaking';
  readonly fields: readonly FieldChange[];
}

export interface FieldChange {
  /** A path such as `features.sessions_7d.type`. */
  readonly field: string;
  readonly from: string | null;
  readonly to: string | null;
}

/** One Temporal Schedule per view version, and one per scheduled training set. */
export type PlannedSchedule = {
  readonly action: 'create' | 'change' | 'pause' | 'resume' | 'delete';
  readonly cron: string;
} & ({ readonly view: string; readonly version: number } | { readonly trainingSet: string });

/** What of a view version is not computed yet, as far as it is due (now − data delay). */
export interface PlannedBackfill {
  readonly view: string;
  readonly version: number;
  readonly missing: readonly { readonly start: string; readonly end: string }[];
  readonly intervals: number;
  /** Estimated from source statistics. */
  readonly rows: number;
  readonly bytes: number;
  readonly seconds: number;
  readonly onlineBytes: number;
}
