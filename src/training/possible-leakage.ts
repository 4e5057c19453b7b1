import { formatViewVersion } from '../core/feature-view.ts';
import type { PossibleLeakage, Recipe, TrainingSetContents } from './manifest.ts';

/**
 * What of `sameTime` (by position of the view) is to be told. Not that of labels, which are of later times; not that of
 * declared aggregations, whose windows end before their row's time; and nothing where the entity rows are those of the
 * views themselves, each at the time at which serving first saw it.
 */
export function possibleLeakage(
  { contents, recipe }: { readonly contents: TrainingSetContents; readonly recipe: Recipe },
  { rows, sameTime }: { readonly rows: number; readonly sameTime: readonly number[] },
): readonly PossibleLeakage[] {
  if (recipe.range !== undefined) return [];
  return contents.views.flatMap((record, index) => {
    const count = sameTime[index] ?? 0;
    if (count === 0 || record.horizon !== undefined || recipe.parts[index]?.endsBefore === true) return [];
    return [{ view: formatViewVersion(record), keys: record.keys, rows: count, share: count / rows }];
  });
}
