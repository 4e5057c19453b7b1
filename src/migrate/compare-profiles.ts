import type { FeatureProfile, FeatureStatistics } from '../offline/feature-computer.ts';

/** Two versions of a view over the same time, side by side. */
export interface VersionComparison {
  readonly range: { readonly start: string; readonly end: string } | null;
  readonly rows: Pair;
  readonly entities: Pair;
  /** Of features that both versions have. */
  readonly features: readonly FeatureComparison[];
  readonly added: readonly string[];
  readonly removed: readonly string[];
  /** What a person should look at before approving; empty when nothing stands out. */
  readonly concerns: readonly string[];
}

export interface Pair {
  readonly from: number;
  readonly to: number;
}

export interface FeatureComparison {
  readonly feature: string;
  readonly nullShare: Pair;
  /** Null where a version has no numeric values. */
  readonly mean: { readonly from: number | null; readonly to: number | null };
}

/** Differences beyond these are concerns: 1 % of rows or entities, 5 points of null share, 10 % of a mean. */
const ROWS = 0.01;
const NULL_SHARE = 0.05;
const MEAN = 0.1;

export function compareProfiles(
  range: VersionComparison['range'],
  from: FeatureProfile,
  to: FeatureProfile,
): VersionComparison {
  const features = from.features.flatMap((old) => {
    const now = to.features.find(({ feature }) => feature === old.feature);
    return now === undefined ? [] : [compareFeature(old, from.rows, now, to.rows)];
  });
  const rows = { from: from.rows, to: to.rows };
  const entities = { from: from.entities, to: to.entities };
  return {
    range,
    rows,
    entities,
    features,
    added: namesWithout(to, from),
    removed: namesWithout(from, to),
    concerns: [
      ...countConcern('rows', rows),
      ...countConcern('entities', entities),
      ...features.flatMap(featureConcerns),
    ],
  };
}

function compareFeature(
  old: FeatureStatistics,
  oldRows: number,
  now: FeatureStatistics,
  nowRows: number,
): FeatureComparison {
  return {
    feature: old.feature,
    nullShare: { from: share(old.nulls, oldRows), to: share(now.nulls, nowRows) },
    mean: { from: old.mean, to: now.mean },
  };
}

function share(part: number, whole: number): number {
  return whole === 0 ? 0 : part / whole;
}

function namesWithout(some: FeatureProfile, others: FeatureProfile): readonly string[] {
  const known = new Set(others.features.map(({ feature }) => feature));
  return some.features.map(({ feature }) => feature).filter((feature) => !known.has(feature));
}

function countConcern(what: string, { from, to }: Pair): readonly string[] {
  return Math.abs(to - from) > ROWS * Math.max(from, 1) ? [`${what}: ${from} before, ${to} now`] : [];
}

function featureConcerns({ feature, nullShare, mean }: FeatureComparison): readonly string[] {
  const concerns: string[] = [];
  if (Math.abs(nullShare.to - nullShare.from) > NULL_SHARE) {
    concerns.push(`${feature}: ${percent(nullShare.from)} null before, ${percent(nullShare.to)} now`);
  }
  if (mean.from !== null && mean.to !== null && Math.abs(mean.to - mean.from) > MEAN * Math.abs(mean.from)) {
    concerns.push(`${feature}: mean ${mean.from.toPrecision(4)} before, ${mean.to.toPrecision(4)} now`);
  }
  return concerns;
}

function percent(part: number): string {
  return `${(part * 100).toFixed(1)} %`;
}
