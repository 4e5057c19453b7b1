import type { QualityRule } from '../core/feature-view.ts';
import type { FeatureProfile } from '../offline/feature-computer.ts';

/** The sentences of the rules that a range's rows break; empty when all hold. */
export function brokenRules(rules: readonly QualityRule[], profile: FeatureProfile): readonly string[] {
  return rules.flatMap((rule) => {
    const broken = breakOf(rule, profile);
    return broken === undefined ? [] : [broken];
  });
}

function breakOf(rule: QualityRule, profile: FeatureProfile): string | undefined {
  if (rule.kind === 'minRows') {
    return profile.rows < rule.rows ? `${profile.rows} rows, at least ${rule.rows} expected` : undefined;
  }
  const found = profile.features.find(({ feature }) => feature === rule.feature);
  if (found === undefined || profile.rows === 0) return undefined;
  if (rule.kind === 'maxNullShare') {
    const share = found.nulls / profile.rows;
    return share > rule.share
      ? `${rule.feature} is null in ${(share * 100).toFixed(1)} % of rows, at most ${(rule.share * 100).toFixed(1)} % expected`
      : undefined;
  }
  if (rule.min !== null && found.min !== null && found.min < rule.min) {
    return `${rule.feature} goes down to ${found.min}, at least ${rule.min} expected`;
  }
  if (rule.max !== null && found.max !== null && found.max > rule.max) {
    return `${rule.feature} goes up to ${found.max}, at most ${rule.max} expected`;
  }
  return undefined;
}
