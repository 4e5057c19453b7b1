import { formatViewVersion } from '../core/feature-view.ts';
import { functionDigest } from '../core/function-digest.ts';
import type { Manifest } from '../core/manifest.ts';
import { type OnDemandFunctions, onDemandFunctionOf } from '../core/on-demand.ts';

/**
 * The on-demand views (`view@v1`) whose functions here are not those that were applied: missing, or with other code.
 * A process does not see later changes of the files it has loaded; one that starts now may.
 */
export function otherFunctions({ views }: Manifest, functions: OnDemandFunctions): readonly string[] {
  return views.flatMap((view) => {
    if (view.kind !== 'on_demand_view') return [];
    const transform = onDemandFunctionOf(functions, view);
    const isSame =
      transform !== undefined &&
      (view.functionDigest === undefined || view.functionDigest === functionDigest(transform));
    return isSame ? [] : [formatViewVersion({ view: view.name, version: view.version })];
  });
}
