import type { KnownAt } from '../core/as-of.ts';
import type { JoinKey } from '../core/entity.ts';
import type { FeatureSpec } from '../core/feature-view.ts';
import type { Column, FileFormat, SourceSpec } from '../core/source.ts';
import type { DurationMicros, Micros } from '../core/time.ts';
import type { Value } from '../core/value-type.ts';
import type { RevisedSlice } from './feature-reader.ts';

/**
 * Joins features to entity rows as of their times. Every engine's answer equals `core/as-of.ts`, where rules 1 to 5
 * stand. The output has one row per spine row, in the spine's order, with all spine columns first, then the features.
 *
 * 6. Naive times are UTC, zoned ones are normalised; microseconds are kept.
 * 7. Names are those of the features, or `view__feature`; two outputs of one name are an error that names both.
 * 8. An alias joins a view by other columns of the spine, under a prefix: one view twice in one join.
 * 9. On-demand features are computed after the join, with the spine's columns as request data.
 *
 * Memory is bounded by the engine's setting, not by the data.
 */
export interface AsOfEngine {
  /** Names everything of the engine that decides the bytes it writes. */
  readonly version: string;
  /**
   * Columns, types, row count and digest of a spine. SPINE_INVALID says what is wrong and what is allowed; also that
   * it lacks what the views `joined` to it are joined by. Files that do not say their types are read as a join to
   * these views reads them.
   */
  describeSpine(spine: Spine, joined?: readonly JoinedView[]): Promise<SpineDescription>;
  /** Writes the joined rows as Parquet at `path` (absolute) by rename. */
  join(request: AsOfRequest): Promise<AsOfResult>;
}

/**
 * The entity rows of a training set. Relative paths are relative to the working directory of the caller. A path names one
 * file, which has its own columns only; a folder, with the columns of `key=value` folders in it; or, as a pattern, files
 * with those of folders from its first wildcard on.
 */
export type Spine = (
  | { readonly kind: FileFormat; readonly path: string }
  /** A query in Postgres' SQL, at the address in an environment variable. Its order is the spine's: say ORDER BY. */
  | { readonly kind: 'postgres'; readonly urlEnv: string; readonly query: string }
  /** A SQL query; the feature repository's sources are there by name. */
  | {
      readonly kind: 'query';
      readonly query: string;
      /** Those that the query may read; whoever knows the project fills them in. */
      readonly sources?: readonly SourceSpec[];
    }
  /**
   * Every (join keys, time) that views have committed rows for, with event times in [from, to), ISO 8601: the moments
   * at which serving first saw something new of an entity. In the order of the keys, then of the time.
   */
  | {
      readonly kind: 'range';
      readonly from: string;
      readonly to: string;
      /** Whose rows; whoever knows the project fills it in. */
      readonly rows?: RangeRows;
    }
  /** The entity rows of a training set, as they stand in the Parquet files that it was written to. */
  | { readonly kind: 'written'; readonly paths: readonly string[]; readonly columns: readonly SpineColumn[] }
) & {
  /** The column of entity row times. */
  readonly timestampField: string;
};

/**
 * Views with the same join keys, and what of their rows counts. A row is first seen at its event time + data delay;
 * with known-at `'row'` not before it was known. What a cut-off hides makes no entity row.
 */
export interface RangeRows {
  readonly joinKeys: readonly JoinKey[];
  readonly knownAt: KnownAt;
  readonly views: readonly Pick<AsOfView, 'dataDelay' | 'slices' | 'replaced'>[];
}

/** What of a view a spine must be fit for. */
export type JoinedView = Pick<AsOfView, 'view' | 'version' | 'joinKeys' | 'spineColumns'>;

/** A spine column and the type the engine reads it as: what brings it back from a file as it was. */
export interface SpineColumn {
  readonly name: string;
  readonly engineType: string;
}

export interface SpineDescription {
  readonly columns: readonly Column[];
  readonly engineColumns: readonly SpineColumn[];
  readonly rows: number;
  /** The earliest and latest time; null when there are no rows. */
  readonly span: { readonly first: Micros; readonly last: Micros } | null;
  /** SHA-256 over content and order. */
  readonly digest: string;
}

export interface AsOfRequest {
  readonly spine: Spine;
  /** When given, the spine must still have this digest: SPINE_INVALID otherwise. */
  readonly spineDigest?: string;
  readonly views: readonly AsOfView[];
  readonly knownAt: KnownAt;
  /** Spine rows after this time are left out, and counted: the horizon of their label has not passed. */
  readonly notAfter?: Micros;
  /** Columns computed row by row after the join (rule 9). */
  readonly computed?: readonly ComputedColumns[];
  /** Which outputs are written, in this order; without it all of the views, then all that are computed. */
  readonly outputs?: readonly string[];
  readonly path: string;
  readonly signal?: AbortSignal;
  /**
   * A folder for this request alone (absolute), made and removed by the join. What is done of a large join is kept there
   * when it ends early, and is not done again when it is asked for with the same folder. The result is the same.
   */
  readonly workFolder?: string;
  readonly onProgress?: (progress: JoinProgress) => void;
}

export interface JoinProgress {
  readonly phase: string;
  /** Of the whole, in [0, 1]. */
  readonly share: number;
  /** Entity rows of the phase. */
  readonly rows?: { readonly done: number; readonly total: number };
}

export interface AsOfView {
  readonly view: string;
  readonly version: number;
  readonly joinKeys: readonly JoinKey[];
  /** Spine column of each join key, by position; differs from the key's name for an entity alias (rule 8). */
  readonly spineColumns: readonly string[];
  readonly features: readonly { readonly feature: FeatureSpec; readonly output: string }[];
  readonly ttl: DurationMicros | null;
  readonly dataDelay: DurationMicros;
  readonly slices: readonly RevisedSlice[];
  /**
   * Slices of earlier revisions over the same time. With a known-at other than `any` their rows count where `slices` has
   * one of the same key and event time that was known later (`replacedRows` in `core/as-of.ts`).
   */
  readonly replaced?: readonly RevisedSlice[];
  /**
   * The files have `__valid_to`: a winner counts only for t < valid to (null: without end), and of a label view only
   * when it is true at the end of the horizon.
   */
  readonly validity?: boolean;
  /**
   * Looks forward, for labels: the winner among rows with t < event time ≤ t + horizon. TTL and data delay do not
   * apply, and known-at `'row'` is taken as `any`, as no label is known at its row's time.
   */
  readonly horizon?: DurationMicros;
}

/** A function of spine columns and of the outputs of views, called once per row in the spine's order. */
export interface ComputedColumns {
  /** Shown as progress. */
  readonly name: string;
  /** Columns of the spine or outputs of views, and the types they are read as. */
  readonly inputs: readonly Column[];
  readonly outputs: readonly Column[];
  /** Values of `outputs` for values of `inputs`; what it throws ends the join. `row` counts from 0. */
  readonly compute: (values: readonly Value[], row: number) => readonly Value[];
}

export interface AsOfResult {
  readonly rows: number;
  /** Spine rows left out by `notAfter`. */
  readonly leftOut: number;
  /**
   * By position of the view: in how many rows the winner's event time is the row's own time, so that the value
   * may come from the very event that the row's label tells of.
   */
  readonly sameTime: readonly number[];
  readonly bytes: number;
  readonly digest: string;
  /** By written output: how many rows have no value. */
  readonly nulls: Readonly<Record<string, number>>;
}
