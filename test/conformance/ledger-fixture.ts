import type { ViewVersion } from '../../src/core/feature-view.ts';
import type { Interval } from '../../src/core/interval.ts';
import { durationOf, type Micros, micros, timeOf } from '../../src/core/time.ts';
import type { Claim, ClaimRequest, Lease, Ledger, StagedWork } from '../../src/ledger/ledger.ts';
import { uniqueName } from '../support/services.ts';

const ORIGIN = timeOf('2026-01-01T00:00:00Z');
const HOUR = durationOf('1h');

/** Hour `n` of the tests' calendar. */
export function hour(n: number): Micros {
  return micros(ORIGIN + BigInt(n) * HOUR);
}

export function hours(start: number, end: number): Interval {
  return { start: hour(start), end: hour(end) };
}

export function hoursOf({ start, end }: Interval): readonly [number, number] {
  return [Number((start - ORIGIN) / HOUR), Number((end - ORIGIN) / HOUR)];
}

/** A version that no other test uses. */
export function someVersion(): ViewVersion {
  return { project: uniqueName('project'), view: 'user_activity', version: 1 };
}

export const NOW = timeOf('2026-06-01T12:00:00.000001Z');
const LEASE_FOR = durationOf('1m');

/** The present of the tests plus seconds; a lease lasts 60 of them. */
export function later(seconds: number): Micros {
  return micros(NOW + BigInt(seconds) * 1_000_000n);
}

export function claimRequest(
  version: ViewVersion,
  range: Interval,
  more: Partial<ClaimRequest> = {},
): ClaimRequest {
  return {
    version,
    fingerprint: 'fingerprint-a',
    range,
    restate: false,
    owner: 'worker-1',
    runId: 'run-1',
    leaseFor: LEASE_FOR,
    now: NOW,
    ...more,
  };
}

export function work(effectKey: string, rows = 10): StagedWork {
  const file = { path: `data/${effectKey}.parquet`, rows, bytes: rows * 100, digest: `sha-${effectKey}` };
  return { effectKey, inputDigest: `input-${effectKey}`, file: rows === 0 ? null : file };
}

export async function granted(claim: Promise<Claim>): Promise<Lease> {
  const answer = await claim;
  if (answer.kind !== 'granted') throw new Error(`The claim was answered with ${answer.kind}.`);
  return answer.lease;
}

/** Claims, stages and commits; returns the lease and its revision. */
export async function complete(
  ledger: Ledger,
  request: ClaimRequest,
  staged: StagedWork,
): Promise<{ lease: Lease; revision: number }> {
  const lease = await granted(ledger.claim(request));
  const { revision } = await ledger.stage(lease, staged);
  await ledger.commit(lease, request.now);
  return { lease, revision };
}
