import { countText, table } from './output.ts';
import type { TrainedHere } from './train-here.ts';

/** A training set for people: what it is, where it lies, and how much of each feature has a value. */
export function trainingLines({
  id,
  rows,
  seconds,
  path,
  reused,
  nullShares,
  parts,
  statistics,
}: TrainedHere): readonly string[] {
  const features = table([
    ['feature', 'with a value'],
    ...Object.entries(nullShares).map(([feature, share]) => [feature, `${((1 - share) * 100).toFixed(1)} %`]),
  ]);
  return [
    `Training set ${id.slice(0, 16)}: ${countText(rows)} rows ${reused ? 'there already' : `in ${seconds.toFixed(1)} s`}`,
    `  ${path}`,
    ...(statistics === undefined ? [] : [`  ${statistics}`]),
    ...Object.entries(parts ?? {}).map(([part, count]) => `  ${part}: ${countText(count)} rows`),
    ...features.map((line) => `  ${line}`),
  ];
}
