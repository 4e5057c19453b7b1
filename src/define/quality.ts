import type { QualityRule } from '../core/feature-view.ts';

/** Holds a computed chunk of intervals with fewer rows than this. */
export function minRows(rows: number): QualityRule {
  return { kind: 'minRows', rows };
}

/** Holds a computed chunk of intervals in which more than this share (0 to 1) of a feature's values is null. */
export function maxNullShare(feature: string, share: number): QualityRule {
  return { kind: 'maxNullShare', feature, share };
}

/** Holds a computed chunk of intervals in which a value of a numeric feature lies outside [min, max]; null leaves an end open. */
export function between(feature: string, min: number | null, max: number | null): QualityRule {
  return { kind: 'between', feature, min, max };
}
