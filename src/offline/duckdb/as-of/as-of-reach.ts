import type { KnownAt } from '../../../core/as-of.ts';
import type { AsOfView } from '../../as-of-engine.ts';

/**
 * Which event times an entity row may see, as offsets in microseconds from its own time, both included: `oldest`
 * (null: any) to `newest`.
 */
export interface Reach {
  readonly oldest: bigint | null;
  readonly newest: bigint;
}

/** Durations beyond this (73,000 years) reach past every time that a spine may have. */
const LONGEST = 2n ** 61n;

export function reachOf({ ttl, dataDelay, horizon }: Pick<AsOfView, 'ttl' | 'dataDelay' | 'horizon'>): Reach {
  if (horizon !== undefined) return { oldest: 1n, newest: shortened(horizon) };
  return { oldest: ttl === null || ttl >= LONGEST ? null : -ttl, newest: -shortened(dataDelay) };
}

/** No label is known at its row's time, so for a label view `'row'` asks for nothing. */
export function knownAtOf({ horizon }: Pick<AsOfView, 'horizon'>, knownAt: KnownAt): KnownAt {
  return horizon !== undefined && knownAt.kind === 'row' ? { kind: 'any' } : knownAt;
}

function shortened(duration: bigint): bigint {
  return duration < LONGEST ? duration : LONGEST;
}
