/** A split of a training set's rows as a person writes it. */
export interface SplitText {
  readonly kind: 'time' | 'entity';
  /** Whole percents that add up to 100, of two parts (train, test) or three (train, validation, test). */
  readonly shares: readonly number[];
  /** Columns named for `entity`; null when the views' keys are meant. */
  readonly columns: readonly string[] | null;
}

export const SPLIT_FORMS = 'time:80/10/10, entity:80/10/10 and entity=column:80/10/10';

/** `time:80/10/10`, `entity:80/20`, `entity=user_id:80/10/10`; undefined with a reason for anything else. */
export function parseSplit(text: string): { ok: true; split: SplitText } | { ok: false; reason: string } {
  const [, kind, named, parts = ''] = /^(time|entity)(?:=([^:]+))?:([\d/]+)$/.exec(text) ?? [];
  if ((kind !== 'time' && kind !== 'entity') || (kind === 'time' && named !== undefined)) {
    return { ok: false, reason: `allowed are ${SPLIT_FORMS}` };
  }
  const shares = parts.split('/').map(Number);
  const whole = shares.reduce((sum, share) => sum + share, 0);
  if (shares.length < 2 || shares.length > 3 || whole !== 100 || shares.some((share) => share < 1)) {
    return {
      ok: false,
      reason:
        'the shares are two (train/test) or three (train/validation/test) whole percents of at least 1 that add up to 100',
    };
  }
  const columns = named === undefined ? null : named.split(',').map((name) => name.trim());
  return { ok: true, split: { kind, shares, columns } };
}
