import type { EntitySpec } from './entity.ts';
import type { FeatureServiceSpec } from './feature-service.ts';
import type { BatchViewSpec, FeatureViewSpec, OnDemandViewSpec } from './feature-view.ts';
import type { SourceSpec } from './source.ts';
import type { TrainingSetScheduleSpec } from './training-set-schedule.ts';

/** Everything one feature repository defines, compiled; lists are sorted by name, then version. */
export interface Manifest {
  readonly project: string;
  readonly entities: readonly EntitySpec[];
  readonly sources: readonly SourceSpec[];
  readonly views: readonly FeatureViewSpec[];
  readonly services: readonly FeatureServiceSpec[];
  readonly trainingSetSchedules: readonly TrainingSetScheduleSpec[];
}

export function emptyManifest(project: string): Manifest {
  return { project, entities: [], sources: [], views: [], services: [], trainingSetSchedules: [] };
}

export function findView(manifest: Manifest, name: string, version: number): FeatureViewSpec | undefined {
  return manifest.views.find((view) => view.name === name && view.version === version);
}

export function batchViews(manifest: Manifest): readonly BatchViewSpec[] {
  return manifest.views.filter((view) => view.kind === 'batch_view');
}

export function onDemandViews(manifest: Manifest): readonly OnDemandViewSpec[] {
  return manifest.views.filter((view) => view.kind === 'on_demand_view');
}

/** The versions of one view, ascending. */
export function versionsOf(manifest: Manifest, name: string): readonly number[] {
  return manifest.views
    .filter((view) => view.name === name)
    .map((view) => view.version)
    .toSorted((a, b) => a - b);
}
