import type { Consumer } from '../core/consumer.ts';
import type { FeatureViewSpec, ViewVersion } from '../core/feature-view.ts';
import type { Manifest } from '../core/manifest.ts';
import type { Micros } from '../core/time.ts';
import type { ScheduledSet } from './scheduled-set.ts';
import type { ServiceSet } from './service-set.ts';

/**
 * The registry: definitions with history, and the runtime facts that `apply` never touches (serving
 * versions, consumers, migrations).
 */
export interface Registry {
  /** What was applied last; undefined for a project never applied. */
  load(project: string): Promise<AppliedManifest | undefined>;
  /**
   * Makes `manifest` the applied one, in one transaction under the project's lock. PLAN_DRIFTED when the applied
   * revision is no longer `baseRevision`; APPLY_CONFLICT while another apply runs. `beforeCommit` runs inside
   * the lock (schedules are changed there); when it throws nothing is applied.
   */
  apply(request: ApplyRequest): Promise<AppliedManifest>;
  projects(): Promise<readonly string[]>;
  /** The version an unpinned reference reads, by view; the first applied version until a migration moves it. */
  servingVersions(project: string): Promise<ReadonlyMap<string, number>>;
  /** Moves a view's serving version; a no-op when it is there already. */
  setServingVersion(version: ViewVersion, by: string): Promise<void>;
  /** Who reads a version: services and schedules of the applied manifest, then training sets, each by name. */
  consumers(version: ViewVersion): Promise<readonly Consumer[]>;
  /** Records that a training set was built from these versions; again is no error. An apply leaves it recorded. */
  addTrainingSet(id: string, versions: readonly ViewVersion[]): Promise<void>;
  /** Records that a training set was built for a feature service; again is no error. An apply leaves it recorded. */
  addServiceSet(set: ServiceSet): Promise<void>;
  /** The sets that were built for a service, newest first; also for one that is defined no more. */
  serviceSets(
    of: Pick<ServiceSet, 'project' | 'service'> & { readonly limit: number },
  ): Promise<readonly ServiceSet[]>;
  /** Records what a tick of a scheduled training set gave; again replaces what was recorded of that tick. */
  recordScheduledSet(set: ScheduledSet): Promise<void>;
  /** Of each schedule the newest tick that was recorded, by name; also of schedules that are defined no more. */
  lastScheduledSets(project: string): Promise<readonly ScheduledSet[]>;
  /** Who changed what and when, newest first. */
  history(project: string, limit: number): Promise<readonly Change[]>;
  /**
   * Calls `listener` soon after each change of what `load` and `servingVersions` give, whoever made it, and whenever
   * one may have been missed. Never throws; connects again by itself. Returns how it ends.
   */
  onChange(project: string, listener: () => void): () => Promise<void>;
  close(): Promise<void>;
}

export interface AppliedManifest {
  readonly manifest: Manifest;
  /** Counts applies of the project; 0 before the first. */
  readonly revision: number;
  readonly appliedAt: Micros;
}

export interface ApplyRequest {
  readonly manifest: Manifest;
  readonly baseRevision: number;
  readonly by: string;
  /** The commit the definitions come from, when they are in a git checkout. */
  readonly commit: string | null;
  readonly now: Micros;
  readonly beforeCommit?: () => Promise<void>;
}

export interface Change {
  readonly revision: number;
  readonly kind: 'entity' | 'source' | FeatureViewSpec['kind'] | 'feature_service' | 'training_set_schedule';
  readonly object: string;
  readonly change: 'added' | 'changed' | 'removed';
  readonly by: string;
  readonly commit: string | null;
  readonly at: Micros;
}
