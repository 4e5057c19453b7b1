import type { Consumer } from '../core/consumer.ts';
import { parseFeatureReference } from '../core/feature-service.ts';
import { findView, type Manifest } from '../core/manifest.ts';

/** A feature service or a schedule of training sets, and a version of a view that it reads. */
export interface DefinedConsumer extends Consumer {
  readonly view: string;
  readonly version: number;
}

interface Read {
  readonly view: string;
  readonly version: number;
}

/**
 * Which services of a manifest read which versions: their members, and what an on-demand member is computed from;
 * and which schedules do, by references that are pinned (others follow the serving version, and a service stands for
 * itself). Each pair stands once.
 */
export function definedConsumers(manifest: Manifest): readonly DefinedConsumer[] {
  const consumers = (kind: DefinedConsumer['kind'], name: string, members: readonly Read[]) => {
    const read = members.flatMap(({ view, version }) => {
      const spec = findView(manifest, view, version);
      const inputs =
        spec?.kind === 'on_demand_view' ? spec.inputs.filter((input) => input.kind === 'view') : [];
      return [{ view, version }, ...inputs.map((input) => ({ view: input.view, version: input.version }))];
    });
    const pairs = new Map(read.map(({ view, version }) => [`${view}@${version}`, { view, version }]));
    return [...pairs.values()].map((pair) => ({ ...pair, kind, name }));
  };
  return [
    ...manifest.services.flatMap(({ name, members }) => consumers('feature_service', name, members)),
    ...manifest.trainingSetSchedules.flatMap(({ name, features, label }) => {
      const references = features.kind === 'service' ? [] : features.references.flatMap(pinned);
      const { view, version } = label !== undefined && 'view' in label ? label : {};
      const labels = view === undefined || version === undefined ? [] : [{ view, version }];
      return consumers('training_set_schedule', name, [...references, ...labels]);
    }),
  ];
}

function pinned(text: string): readonly Read[] {
  const reference = parseFeatureReference(text);
  if (reference === undefined || reference.version === null) return [];
  return [{ view: reference.view, version: reference.version }];
}
