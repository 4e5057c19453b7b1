import { equalValues } from '../core/equal-values.ts';
import type { Problem } from '../core/errors.ts';
import { compareRecency } from '../core/newer.ts';
import type { FeatureRow } from '../core/rows.ts';
import { formatTime } from '../core/time.ts';

/**
 * The newest row of each entity, in the order in which the entities came first. Two rows of one entity with the
 * same times and other values are a problem each: nobody could say which of them is true, neither here nor later
 * in the offline store.
 */
export function newestRows(
  rows: readonly FeatureRow[],
  problems: Problem[],
  of: string,
): readonly FeatureRow[] {
  const newest = new Map<string, { readonly row: FeatureRow; readonly at: number }>();
  for (const [at, row] of rows.entries()) {
    const id = row.key.map((part) => `${String(part).length}:${part}`).join('');
    const before = newest.get(id);
    const order = before === undefined ? 1 : compareRecency(row, before.row);
    if (order > 0) newest.set(id, { row, at });
    if (before === undefined || order !== 0 || isSame(row, before.row)) continue;
    const what =
      row.key.length === 0 ? `view "${of}", which has no keys,` : `the same entity of view "${of}"`;
    problems.push({
      where: `df[${at}]`,
      message: `found other values than in row ${before.at} for ${what} at the same time (${formatTime(row.eventTime)}); send the one that is true.`,
    });
  }
  return [...newest.values()].map(({ row }) => row);
}

function isSame(a: FeatureRow, b: FeatureRow): boolean {
  return equalValues(a.values, b.values) && (a.validTo ?? null) === (b.validTo ?? null);
}
