import type { TableFormat } from '../core/table-format.ts';
import type { FeatureServiceDefinition, ServiceFeature } from './feature-service.ts';
import type { BatchViewDefinition, FeatureTypes } from './feature-view.ts';
import type { MetadataInput } from './metadata.ts';

/**
 * The entity rows, as they are at each tick: a file or glob (relative to the feature repository unless absolute or at `s3://`), a query over
 * the project's sources, or with `urlEnv` a query in Postgres' SQL. A query may use `$interval_start` (the tick
 * before) and `$interval_end` (the tick), naive UTC timestamps: `WHERE ordered_at >= $interval_start AND …`.
 */
export type SpineInput = (
  | { readonly parquet: string }
  | { readonly csv: string }
  | { readonly json: string }
  | {
      readonly query: string;
      /** The environment variable that holds the address of the Postgres to ask. */
      readonly urlEnv?: string;
    }
  /** No entity rows: all that the views have with event times so long before the tick, such as `7d`. */
  | { readonly last: string }
) & {
  /** The column of entity row times. */
  readonly timestampField: string;
};

/**
 * What the model is to predict: a column of the entity rows, or the newest value that a feature has up to so long
 * after an entity row's time. Rows whose horizon has not passed are left out, and counted.
 */
export type LabelInput =
  | { readonly column: string }
  | {
      /** At the version of the definition; by name, at the serving version. */
      readonly view: BatchViewDefinition<string, FeatureTypes> | string;
      readonly feature: string;
      /** `24h` */
      readonly horizon: string;
    };

/**
 * Reads a view by other columns of the entity rows, its features' names with a prefix. A view of several aliases is
 * read once for each; one that has any is read by its own keys only under an alias without `keys`.
 */
export interface AliasInput {
  readonly view: BatchViewDefinition<string, FeatureTypes> | string;
  /** Put before the names as it is: `origin_`. */
  readonly prefix: string;
  /** The column that a join key is read from, by key, as `{ airport: 'dest' }`; a key that is not named keeps its own. */
  readonly keys?: Readonly<Record<string, string>>;
}

interface CommonInput extends MetadataInput {
  readonly name: string;
  /** Cron with five fields, UTC: the ticks. */
  readonly schedule: string;
  /** How long after a tick its set is built, so that what happened before it is there and computed; default `0s`. */
  readonly dataDelay?: string;
  readonly spine: SpineInput;
  readonly aliases?: readonly AliasInput[];
  readonly label?: LabelInput;
  /** `any` (default), `row` (known at each row's time), `tick` (known at the tick), or an ISO time as cut-off. */
  readonly knownAt?: string;
  /** Name columns `view__feature`. */
  readonly fullNames?: boolean;
  /** Train, validation and test files: `time:80/10/10`, `entity:80/20`, or `entity=user_id:80/10/10`. */
  readonly split?: string;
  readonly format?: TableFormat;
  /** Several files of so many rows; default: one. */
  readonly rowsPerFile?: number;
  /** Also write `statistics.html` beside the data; default true. */
  readonly statistics?: boolean;
  /** Whether it stands still; default false. */
  readonly paused?: boolean;
}

export interface ServiceSetInput extends CommonInput {
  /** All features of a model. */
  readonly service: FeatureServiceDefinition;
}

export interface FeaturesSetInput extends CommonInput {
  /** Views and picks of them, at the versions of the definitions; or references as text, as `view:feature`. */
  readonly features: readonly (ServiceFeature | string)[];
}

export type TrainingSetScheduleInput = ServiceSetInput | FeaturesSetInput;

export interface TrainingSetScheduleDefinition {
  readonly kind: 'training_set_schedule';
  readonly config: TrainingSetScheduleInput;
}

/** A training set that is built anew at every tick; one that would be the same as before is found, not built. */
export function trainingSetSchedule(config: TrainingSetScheduleInput): TrainingSetScheduleDefinition {
  return { kind: 'training_set_schedule', config };
}
