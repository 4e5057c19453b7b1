import type { FeatureSelection } from '../core/feature-selection.ts';
import type { OnDemandFunctions } from '../core/on-demand.ts';
import type { Clock } from '../core/time.ts';
import type { ViewAlias } from '../core/view-alias.ts';
import type { Ledger } from '../ledger/ledger.ts';
import type { AsOfEngine, Spine } from '../offline/as-of-engine.ts';
import type { TableArranger } from '../offline/table-arranger.ts';
import type { TableProfiler } from '../offline/table-profiler.ts';
import type { Registry } from '../registry/registry.ts';
import type { LabelRequest } from './label.ts';
import type { LayoutRequest } from './layout.ts';
import type { ForgottenRange, PossibleLeakage, TrainingSetManifest } from './manifest.ts';

/** What a person asks for; plain JSON, so that it can cross a workflow's border. */
export interface TrainingSetRequest {
  readonly project: string;
  /** A query reads the sources of the applied definitions by name. A relative path starts at the worker's repository. */
  readonly spine: Spine;
  readonly features: FeatureSelection;
  /** `any`, `row` (known at the row's own time), or an ISO 8601 time: only rows known by then. */
  readonly knownAt: string;
  /** `view__feature` in place of `feature`. */
  readonly fullNames: boolean;
  readonly aliases?: readonly ViewAlias[];
  /** What is to be predicted. Rows whose label's horizon has not passed are left out, and counted. */
  readonly label?: LabelRequest;
  /** One Parquet file when undefined. */
  readonly layout?: LayoutRequest;
  /** Also write `statistics.html` beside the data; no part of the set's name. */
  readonly statistics?: boolean;
}

export interface TrainingDeps {
  readonly registry: Pick<Registry, 'load' | 'servingVersions' | 'addTrainingSet' | 'addServiceSet'>;
  readonly ledger: Pick<Ledger, 'files' | 'history' | 'coverage'>;
  readonly asOf: AsOfEngine;
  readonly arranger: TableArranger;
  readonly profiler: TableProfiler;
  readonly onDemand: OnDemandFunctions;
  readonly clock: Clock;
  /** Absolute; sets lie in `<project>/training-sets/<id>/` under it. */
  readonly offlineRoot: string;
}

export interface BuildStep {
  readonly phase: string;
  readonly share: number;
  /** Of the phase, where it counts rows. */
  readonly rows?: { readonly done: number; readonly total: number };
}

export interface TrainingOptions {
  readonly signal?: AbortSignal;
  /** `share` is in [0, 1]. */
  readonly onProgress?: (progress: BuildStep) => void;
}

export interface LabelSummary {
  readonly column: string;
  /** For people: `delayed (outcome@v1:delayed within 1d)`. */
  readonly text: string;
  /** Entity rows left out, as the horizon of their label had not passed. */
  readonly leftOut: number;
  /** Rows without a label, in [0, 1]; null for a column of the entity rows, taken as they are, and where there are no rows. */
  readonly nullShare: number | null;
}

/** An immutable table of spine rows and the features as of their times, named by what it was made of. */
export interface TrainingSet {
  readonly id: string;
  /** The data file, absolute, or the folder of several; `manifest.json` lies beside them. */
  readonly path: string;
  readonly manifest: TrainingSetManifest;
  readonly rows: number;
  /** Rows of `train`, `validation` and `test`; undefined without a split. */
  readonly parts?: Readonly<Record<string, number>>;
  /** By feature column, in [0, 1]; null where there are no rows. */
  readonly nullShares: Readonly<Record<string, number | null>>;
  /** Undefined when none was asked for. */
  readonly label?: LabelSummary;
  readonly possibleLeakage: readonly PossibleLeakage[];
  readonly forgotten: readonly ForgottenRange[];
  /** The page of statistics, absolute, when it was asked for. */
  readonly statistics?: string;
  /** It was there already. */
  readonly reused: boolean;
}
