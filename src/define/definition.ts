import type { EntityDefinition } from './entity.ts';
import type { FeatureServiceDefinition } from './feature-service.ts';
import type { BatchViewDefinition } from './feature-view.ts';
import type { OnDemandViewDefinition } from './on-demand-view.ts';
import type { ProjectDefinition } from './project.ts';
import type { SourceDefinition } from './source.ts';
import type { TrainingSetScheduleDefinition } from './training-set-schedule.ts';

/** Whatever a file of a feature repository may export for Tidemark; other exports are left alone. */
export type Definition =
  | ProjectDefinition
  | EntityDefinition
  | SourceDefinition
  | BatchViewDefinition
  | OnDemandViewDefinition
  | FeatureServiceDefinition
  | TrainingSetScheduleDefinition;

const KINDS: Readonly<Record<Definition['kind'], true>> = {
  project: true,
  entity: true,
  file_source: true,
  postgres_source: true,
  push_source: true,
  batch_view: true,
  on_demand_view: true,
  feature_service: true,
  training_set_schedule: true,
};

export function isDefinition(value: unknown): value is Definition {
  return (
    value !== null &&
    typeof value === 'object' &&
    'kind' in value &&
    typeof value.kind === 'string' &&
    Object.hasOwn(KINDS, value.kind) &&
    'config' in value
  );
}

const SOURCES: ReadonlySet<Definition['kind']> = new Set<SourceDefinition['kind']>([
  'file_source',
  'postgres_source',
  'push_source',
]);

/** Whether a batch view can read rows from it. */
export function isSource(definition: Definition): definition is SourceDefinition {
  return SOURCES.has(definition.kind);
}
