import type { DuckDBConnection } from '@duckdb/node-api';
import type { BatchViewSpec, FeatureSpec } from '../../../core/feature-view.ts';
import type { FeatureProfile, FileSlice } from '../../feature-computer.ts';
import { sliceFailure, sliceScanSql } from '../slice-scan.ts';
import { identifier, identifiers } from '../sql-text.ts';

/** Per-feature statistics in one pass over the files. Not-a-numbers and infinities are left out of them. */
export async function profileSlices(
  connection: DuckDBConnection,
  view: BatchViewSpec,
  slices: readonly FileSlice[],
  offlineRoot: string,
): Promise<FeatureProfile> {
  if (slices.length === 0) {
    return { rows: 0, entities: 0, features: view.features.map((feature) => statistics(feature, [])) };
  }
  const keys = identifiers(view.joinKeys.map(({ name }) => name));
  const entities = keys === '' ? 'least(count(*), 1)' : `count(DISTINCT (${keys}))`;
  const columns = view.features.flatMap((feature) => {
    const column = identifier(feature.name);
    const missing = `count(*) - count(${column})`;
    if (!isNumeric(feature)) return [missing, 'NULL', 'NULL', 'NULL'];
    const x = `CAST(${column} AS DOUBLE)`;
    const finite = `FILTER (WHERE isfinite(${x}))`;
    return [missing, `min(${x}) ${finite}`, `max(${x}) ${finite}`, `avg(${x}) ${finite}`];
  });
  const [row = []] = await connection
    .runAndReadAll(
      `SELECT count(*), ${entities}, ${columns.join(', ')} FROM ${sliceScanSql(slices, offlineRoot)}`,
    )
    .then(
      (result) => result.getRows(),
      (error: unknown) => Promise.reject(sliceFailure(error)),
    );
  return {
    rows: Number(row[0]),
    entities: Number(row[1]),
    features: view.features.map((feature, index) =>
      statistics(feature, row.slice(2 + index * 4, 6 + index * 4)),
    ),
  };
}

function statistics({ name }: FeatureSpec, row: readonly unknown[]) {
  const number = (value: unknown) => (typeof value === 'number' ? value : null);
  return {
    feature: name,
    nulls: Number(row[0] ?? 0),
    min: number(row[1]),
    max: number(row[2]),
    mean: number(row[3]),
  };
}

function isNumeric({ type }: FeatureSpec): boolean {
  return type === 'int32' || type === 'int64' || type === 'float32' || type === 'float64';
}
