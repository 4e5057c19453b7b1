import { expandSelection } from '../core/expand-selection.ts';
import type { Registry } from '../registry/registry.ts';
import { type ListedSets, listTrainingSets } from './training-set-folder.ts';

/**
 * The sets that models of a feature service were trained on, newest first: those the registry has recorded for it,
 * and those whose manifests say so. UNKNOWN_FEATURE for a service that is not applied and has none.
 */
export async function listServiceSets(
  { project, service }: { readonly project: string; readonly service: string },
  {
    registry,
    offlineRoot,
  }: { readonly registry: Pick<Registry, 'load' | 'serviceSets'>; readonly offlineRoot: string },
): Promise<ListedSets> {
  const limit = Number.MAX_SAFE_INTEGER;
  const recorded = new Set((await registry.serviceSets({ project, service, limit })).map(({ id }) => id));
  const { sets, unreadable } = await listTrainingSets(offlineRoot, project);
  const found = sets.filter(
    ({ id, recipe: { selection } }) =>
      recorded.has(id) || (selection.kind === 'service' && selection.service === service),
  );
  const applied = found.length === 0 ? await registry.load(project) : undefined;
  if (applied !== undefined) expandSelection(applied.manifest, { kind: 'service', service }, new Map());
  return { sets: found, unreadable };
}
