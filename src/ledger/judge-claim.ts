import { type Interval, overlaps } from '../core/interval.ts';
import type { Micros } from '../core/time.ts';
import type { Claim, ClaimRequest } from './ledger.ts';
import { missingOf } from './watermark.ts';

/** An attempt that holds its range: at work, waiting for a decision, or approved and waiting for the next run. */
export interface OpenAttempt {
  readonly id: string;
  readonly range: Interval;
  readonly state: 'running' | 'held' | 'approved';
  readonly owner: string;
  readonly runId: string;
  readonly until: Micros;
  readonly reason: string;
}

export type Verdict =
  | Exclude<Claim, { kind: 'granted' }>
  /** Grant it, after closing these attempts for the reason given. */
  | { readonly kind: 'grant'; readonly close: readonly ClosedAttempt[] };

export interface ClosedAttempt {
  readonly id: string;
  readonly why: string;
}

/**
 * What a claim gets, from what is committed and open in its range.
 *
 * An approved range is never counted as done, and is a part of its own: see `missingOf`.
 */
export function judgeClaim(
  request: ClaimRequest,
  committed: readonly Interval[],
  open: readonly OpenAttempt[],
): Verdict {
  const { range, restate, now } = request;
  const inRange = open.filter((attempt) => overlaps(attempt.range, range));
  if (!restate) {
    const approved = inRange
      .filter((attempt) => attempt.state === 'approved')
      .map((attempt) => attempt.range);
    const missing = missingOf(range, { committed, held: [], approved });
    if (missing.length === 0) return { kind: 'done' };
    if (!missing.some((part) => isSame(part, range))) return { kind: 'partial', missing };
  }
  const close: ClosedAttempt[] = [];
  for (const attempt of inRange.toSorted((a, b) => (a.range.start < b.range.start ? -1 : 1))) {
    switch (attempt.state) {
      case 'held':
        return { kind: 'held', range: attempt.range, reason: attempt.reason };
      case 'approved':
        close.push({
          id: attempt.id,
          why: isSame(attempt.range, range)
            ? 'approved, and computed again'
            : 'its approval was dropped: the range was computed again together with others',
        });
        break;
      case 'running':
        if (attempt.until <= now) close.push({ id: attempt.id, why: 'lease expired' });
        else if (isSameCaller(attempt, request)) {
          close.push({ id: attempt.id, why: 'claimed again by the same run' });
        } else {
          return { kind: 'busy', range: attempt.range, owner: attempt.owner, until: attempt.until };
        }
    }
  }
  return { kind: 'grant', close };
}

/** An activity that is retried after its process died asks for exactly what it asked for before. */
function isSameCaller(attempt: OpenAttempt, { owner, runId, range }: ClaimRequest): boolean {
  return attempt.owner === owner && attempt.runId === runId && isSame(attempt.range, range);
}

function isSame(a: Interval, b: Interval): boolean {
  return a.start === b.start && a.end === b.end;
}
