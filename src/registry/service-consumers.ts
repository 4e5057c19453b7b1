import { findView, type Manifest } from '../core/manifest.ts';

/** A feature service that reads a version of a view. */
export interface ServiceConsumer {
  readonly view: string;
  readonly version: number;
  readonly service: string;
}

/**
 * Which services of a manifest read which versions: their members, and what an on-demand member is computed from.
 * Each pair stands once.
 */
export function serviceConsumers(manifest: Manifest): readonly ServiceConsumer[] {
  return manifest.services.flatMap((service) => {
    const read = service.members.flatMap(({ view, version }) => {
      const spec = findView(manifest, view, version);
      const inputs =
        spec?.kind === 'on_demand_view' ? spec.inputs.filter((input) => input.kind === 'view') : [];
      return [{ view, version }, ...inputs.map((input) => ({ view: input.view, version: input.version }))];
    });
    const pairs = new Map(read.map(({ view, version }) => [`${view}@${version}`, { view, version }]));
    return [...pairs.values()].map((pair) => ({ ...pair, service: service.name }));
  });
}
