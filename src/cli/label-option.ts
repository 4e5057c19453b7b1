import { TidemarkError } from '../core/errors.ts';
import { parseFeatureReference } from '../core/feature-service.ts';
import { parseDuration } from '../core/time.ts';
import type { LabelRequest } from '../training/label.ts';

export interface LabelOptions {
  /** A column of the entity rows, or `view:feature`. */
  readonly label?: string;
  readonly horizon?: string;
  readonly checkLeakage?: boolean;
}

/** Undefined without a label. REQUEST_INVALID says which options go together. */
export function labelOf({ label, horizon, checkLeakage }: LabelOptions): LabelRequest | undefined {
  const refuse = (reason: string) => new TidemarkError('REQUEST_INVALID', reason);
  if (label === undefined) {
    if (horizon !== undefined) throw refuse('--horizon needs a --label of a view, as view:feature.');
    if (checkLeakage === true) {
      throw refuse(
        '--check-leakage needs a --label: a column of the entity rows, or view:feature with a --horizon.',
      );
    }
    return undefined;
  }
  const reference = parseFeatureReference(label);
  if (reference === undefined) {
    if (horizon === undefined) return { column: label };
    throw refuse(
      `--label "${label}" is a column of the entity rows, which has no --horizon; a feature is written view:feature.`,
    );
  }
  const { view, version, feature } = reference;
  if (feature === null) throw refuse(`--label "${label}" must be one feature, as ${view}:feature.`);
  if (horizon === undefined) {
    throw refuse(
      `--label "${label}" needs a --horizon such as 24h: how far after an entity row's time the label is looked up.`,
    );
  }
  const duration = parseDuration(horizon);
  if (duration === undefined || duration === 0n) {
    throw refuse(`--horizon "${horizon}" is not a duration such as 24h or 7d.`);
  }
  return { view, feature, horizon, ...(version === null ? {} : { version }) };
}
