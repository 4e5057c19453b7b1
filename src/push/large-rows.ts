import type { Problem } from '../core/errors.ts';
import { type BatchViewSpec, formatViewVersion } from '../core/feature-view.ts';
import type { FeatureRow } from '../core/rows.ts';
import { MAX_ROW_BYTES, rowBytes, rowLimit, valueBytes } from '../online/row-bytes.ts';

/** A problem for each row that would be too large to be served, told at its largest column. */
export function largeRows(
  view: BatchViewSpec,
  rows: readonly FeatureRow[],
  limit: number = MAX_ROW_BYTES,
): readonly Problem[] {
  return rows.flatMap((row, at): Problem[] => {
    const bytes = rowBytes(row);
    if (bytes <= limit) return [];
    const sizes = [...row.key, ...row.values].map(valueBytes);
    const column = [...view.joinKeys, ...view.features][sizes.indexOf(Math.max(...sizes))];
    const id = formatViewVersion({ view: view.name, version: view.version });
    const message = `found a row of ${bytes.toLocaleString('en-US')} bytes, most of them here; view "${id}" serves rows of at most ${rowLimit(limit)}.`;
    return [{ where: `df.${column?.name}[${at}]`, message }];
  });
}
