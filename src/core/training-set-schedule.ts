import type { Metadata } from './entity.ts';
import type { FeatureSelection } from './feature-selection.ts';
import type { FileFormat } from './source.ts';
import type { TableFormat } from './table-format.ts';
import type { ViewAlias } from './view-alias.ts';

/**
 * The entity rows of a scheduled training set. A path is relative to the feature repository, unless absolute or at
 * `s3://`. A query is asked at each tick, with `$interval_start` (the tick before) and `$interval_end` (the tick).
 */
export type ScheduledSpine = (
  | { readonly kind: FileFormat; readonly path: string }
  /** No entity rows: what the views have with event times so long before the tick. */
  | { readonly kind: 'last'; readonly duration: string }
  | { readonly kind: 'query'; readonly query: string }
  | { readonly kind: 'postgres'; readonly urlEnv: string; readonly query: string }
) & { readonly timestampField: string };

/** What a model is to predict: a column of the entity rows, or a feature looked up forward in time. */
export type ScheduledLabel =
  | { readonly column: string }
  | {
      readonly view: string;
      readonly feature: string;
      /** Absent: the serving version. */
      readonly version?: number;
      readonly horizon: string;
    };

/** A training set that is built at every tick of a cron expression, compiled. */
export interface TrainingSetScheduleSpec extends Metadata {
  readonly kind: 'training_set_schedule';
  readonly name: string;
  readonly schedule: string;
  /** How long after a tick its set is built. */
  readonly dataDelay: string;
  readonly spine: ScheduledSpine;
  readonly features: FeatureSelection;
  /** Absent: every view is read by its own keys. */
  readonly aliases?: readonly ViewAlias[];
  /** Absent: none. */
  readonly label?: ScheduledLabel;
  /** `any`, `row`, `tick` (what was known at the tick) or an ISO 8601 time. */
  readonly knownAt: string;
  readonly fullNames: boolean;
  /** As `tidemark train --split` takes it. */
  readonly split: string | null;
  readonly format: TableFormat;
  readonly rowsPerFile: number | null;
  readonly statistics: boolean;
  readonly paused: boolean;
}
