import { TidemarkError } from '../core/errors.ts';
import { formatViewVersion } from '../core/feature-view.ts';
import type { ResolvedFeatures } from '../core/resolve-features.ts';
import type { SpineDescription } from '../offline/as-of-engine.ts';

/** Said before a build starts: no output is named like a column of the entity rows, without regard to case. */
export function refuseSpineCollision(
  { columns }: Pick<SpineDescription, 'columns'>,
  { outputs }: Pick<ResolvedFeatures, 'outputs'>,
): void {
  const taken = new Map(columns.map(({ name }) => [name.toLowerCase(), name]));
  for (const { name, view, version, feature, from } of outputs) {
    const column = taken.get(name.toLowerCase());
    if (column === undefined) continue;
    throw new TidemarkError(
      'SPINE_INVALID',
      `Cannot use the spine: its column "${column}" and ${from.kind === 'part' ? 'feature ' : ''}"${feature.name}" of ` +
        `${formatViewVersion({ view, version })} would both be the column "${name}"; rename the column, ask for full names, or give the view an alias.`,
    );
  }
}
