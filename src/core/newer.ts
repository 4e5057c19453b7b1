import type { Recency } from './rows.ts';

/** Rule 4 of `as-of.ts`: negative when `a` is older than `b`, positive when newer, 0 when they are the same write. */
export function compareRecency(a: Recency, b: Recency): number {
  if (a.eventTime !== b.eventTime) return a.eventTime < b.eventTime ? -1 : 1;
  if (a.createdTime !== b.createdTime) return a.createdTime < b.createdTime ? -1 : 1;
  return a.revision - b.revision;
}

/** A write lands only when it is newer than what is there; an equal one is a success that changes nothing. */
export function isNewer(candidate: Recency, current: Recency | undefined): boolean {
  return current === undefined || compareRecency(candidate, current) > 0;
}
