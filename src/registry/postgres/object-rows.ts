import { digestOf } from '../../core/canonical.ts';
import type { EntitySpec } from '../../core/entity.ts';
import type { FeatureServiceSpec } from '../../core/feature-service.ts';
import type { FeatureViewSpec } from '../../core/feature-view.ts';
import type { Manifest } from '../../core/manifest.ts';
import type { SourceSpec } from '../../core/source.ts';
import type { TrainingSetScheduleSpec } from '../../core/training-set-schedule.ts';
import type { Change } from '../registry.ts';

type Spec = EntitySpec | SourceSpec | FeatureViewSpec | FeatureServiceSpec | TrainingSetScheduleSpec;

/** One object of a manifest as the registry keeps it. */
export interface ObjectRow {
  readonly kind: Change['kind'];
  readonly name: string;
  /** 0 for kinds that have no versions. */
  readonly version: number;
  readonly spec: Spec;
  readonly digest: string;
}

/** What an object is called across revisions: a row with the same identity and another digest is a change. */
export function identityOf({ kind, name, version }: Pick<ObjectRow, 'kind' | 'name' | 'version'>): string {
  return `${kind}/${name}/${version}`;
}

export function objectRows(manifest: Manifest): readonly ObjectRow[] {
  const row = (kind: Change['kind'], spec: Spec, version: number): ObjectRow => ({
    kind,
    name: spec.name,
    version,
    spec,
    digest: digestOf(spec),
  });
  return [
    ...manifest.entities.map((spec) => row('entity', spec, 0)),
    ...manifest.sources.map((spec) => row('source', spec, 0)),
    ...manifest.views.map((spec) => row(spec.kind, spec, spec.version)),
    ...manifest.services.map((spec) => row('feature_service', spec, 0)),
    ...manifest.trainingSetSchedules.map((spec) => row('training_set_schedule', spec, 0)),
  ];
}

/** Rows in any order; the manifest's lists are sorted by name, then version. */
export function manifestFrom(
  project: string,
  rows: readonly Pick<ObjectRow, 'kind' | 'name' | 'version' | 'spec'>[],
): Manifest {
  const sorted = rows.toSorted(
    (a, b) => (a.name < b.name ? -1 : a.name > b.name ? 1 : 0) || a.version - b.version,
  );
  const specs = <S extends Spec>(...kinds: readonly Change['kind'][]): readonly S[] =>
    // The kind beside a spec was written from that spec: it says which type the JSON has.
    sorted.filter((row) => kinds.includes(row.kind)).map((row) => row.spec as S);
  return {
    project,
    entities: specs<EntitySpec>('entity'),
    sources: specs<SourceSpec>('source'),
    views: specs<FeatureViewSpec>('batch_view', 'on_demand_view'),
    services: specs<FeatureServiceSpec>('feature_service'),
    trainingSetSchedules: specs<TrainingSetScheduleSpec>('training_set_schedule'),
  };
}
