import { formatViewVersion } from '../core/feature-view.ts';
import { type Definition, isDefinition, isSource } from '../define/definition.ts';
import type { EntityDefinition } from '../define/entity.ts';
import type { FeatureServiceDefinition } from '../define/feature-service.ts';
import type { BatchViewDefinition } from '../define/feature-view.ts';
import type { OnDemandViewDefinition } from '../define/on-demand-view.ts';
import type { ProjectDefinition } from '../define/project.ts';
import type { SourceDefinition } from '../define/source.ts';
import type { TrainingSetScheduleDefinition } from '../define/training-set-schedule.ts';
import type { LoadedDefinition, LoadedRepo } from '../repo/load-repo.ts';

/**
 * The definitions of a repository by kind. Entities and sources that a view uses without their being exported belong
 * to it too, at the view's place; views count only when they are exported.
 */
export interface Inventory {
  readonly projects: readonly LoadedDefinition<ProjectDefinition>[];
  readonly entities: readonly LoadedDefinition<EntityDefinition>[];
  readonly sources: readonly LoadedDefinition<SourceDefinition>[];
  readonly batchViews: readonly LoadedDefinition<BatchViewDefinition>[];
  readonly onDemandViews: readonly LoadedDefinition<OnDemandViewDefinition>[];
  readonly services: readonly LoadedDefinition<FeatureServiceDefinition>[];
  readonly trainingSetSchedules: readonly LoadedDefinition<TrainingSetScheduleDefinition>[];
}

export function takeInventory({ definitions }: Pick<LoadedRepo, 'definitions'>): Inventory {
  const all = new Map<Definition, LoadedDefinition>();
  for (const loaded of definitions) all.set(loaded.definition, loaded);
  for (const loaded of definitions) {
    for (const used of usedBy(loaded.definition)) {
      if (!all.has(used)) all.set(used, { ...loaded, definition: used });
    }
  }
  const ofKind = <K extends Definition['kind']>(kind: K) =>
    [...all.values()].filter(
      (loaded): loaded is LoadedDefinition<Extract<Definition, { readonly kind: K }>> =>
        loaded.definition.kind === kind,
    );
  return {
    projects: ofKind('project'),
    entities: ofKind('entity'),
    sources: [...ofKind('file_source'), ...ofKind('postgres_source'), ...ofKind('push_source')],
    batchViews: ofKind('batch_view'),
    onDemandViews: ofKind('on_demand_view'),
    services: ofKind('feature_service'),
    trainingSetSchedules: ofKind('training_set_schedule'),
  };
}

/** The file of each view version, by `view@v1`: for errors that tell where to change something. */
export function viewFiles({ definitions }: Pick<LoadedRepo, 'definitions'>): ReadonlyMap<string, string> {
  return new Map(
    definitions.flatMap(({ definition, file }) =>
      definition.kind === 'batch_view' || definition.kind === 'on_demand_view'
        ? [
            [
              formatViewVersion({ view: definition.config.name, version: definition.config.version }),
              file,
            ] as const,
          ]
        : [],
    ),
  );
}

function usedBy(definition: Definition): readonly Definition[] {
  if (definition.kind !== 'batch_view') return [];
  // Not checked yet: any field may hold anything.
  const config: Readonly<Record<string, unknown>> = { ...definition.config };
  return [config.entities, config.source, config.sources]
    .flat()
    .filter(isDefinition)
    .filter((used) => used.kind === 'entity' || isSource(used));
}
