import type { ViewVersion } from '../core/feature-view.ts';
import type { Interval } from '../core/interval.ts';
import type { DurationMicros, Micros } from '../core/time.ts';

/**
 * The interval ledger: one record of every range's state per view version, with one writer per range.
 *
 * Invariants that every adapter keeps, and the conformance suite checks:
 * 1. At any time no two committed ranges of a version overlap, and no two ranges in flight overlap.
 * 2. Only the holder of the newest fence of a range can renew, stage, hold, commit or fail it; anyone else gets
 *    LEASE_LOST. Fences only grow.
 * 3. A committed range stays readable until the transaction that replaces it commits.
 * 4. Repeating any call with the same arguments after a crash has the effect of calling it once.
 * 5. The revision of a range depends on the committed history and the effect key alone, never on the number of
 *    attempts: the same work staged again has the same revision, other work over the same range a greater one.
 */
export interface Ledger {
  /**
   * Asks for a lease on exactly this range. Takes over work whose lease has expired.
   * Without `restate` a range that is committed as a whole is `done`, and one that is in part is `partial`.
   */
  claim(request: ClaimRequest): Promise<Claim>;
  /** Extends the lease; LEASE_LOST when it has been taken over. */
  renew(lease: Lease, now: Micros): Promise<void>;
  /**
   * Records what was computed, before anything of it is published. Returns the revision to publish under, and what
   * other work over the range may have been published by attempts that were never committed.
   */
  stage(lease: Lease, work: StagedWork): Promise<Staged>;
  /** Makes the staged work the committed state of its range, replacing what was there. One transaction. */
  commit(lease: Lease, now: Micros): Promise<void>;
  /** Gives the range back. `held` keeps the staged work for a decision, and the last good data in service. */
  release(lease: Lease, outcome: Release, now: Micros): Promise<void>;
  /** Decides held ranges inside `range`; returns those decided. Approved work is committed by the next run. */
  decide(
    version: ViewVersion,
    range: Interval,
    decision: Decision,
    now: Micros,
  ): Promise<readonly Interval[]>;
  /** The state of a version as ranges, merged where they touch and agree. */
  coverage(version: ViewVersion): Promise<Coverage>;
  /** Committed files that hold rows of `range` (all when undefined), ascending by range. */
  files(version: ViewVersion, range?: Interval): Promise<readonly CommittedFile[]>;
  /**
   * All work that was ever committed over some of `range`, what newer work has replaced included, ascending by
   * revision: of a stretch of time, the last of those committed by then is what was committed there at any moment.
   */
  history(version: ViewVersion, range: Interval): Promise<readonly CommittedWork[]>;
  /** Forgets a retired version; its leases are lost. */
  forget(version: ViewVersion): Promise<void>;
}

export interface ClaimRequest {
  readonly version: ViewVersion;
  /** The version's fingerprint; a version whose recorded fingerprint differs gets STORE_CORRUPT. */
  readonly fingerprint: string;
  readonly range: Interval;
  readonly restate: boolean;
  /** Who asks (a worker's identity); shown to people who wait for it. */
  readonly owner: string;
  /** The workflow run on whose behalf. */
  readonly runId: string;
  readonly leaseFor: DurationMicros;
  readonly now: Micros;
}

export type Claim =
  | { readonly kind: 'granted'; readonly lease: Lease }
  /** Committed already, as a whole. */
  | { readonly kind: 'done' }
  /** Some of it is committed, or approved as a range of its own: ask for the missing parts, which may touch. */
  | { readonly kind: 'partial'; readonly missing: readonly Interval[] }
  /** Somebody else works on (part of) it until then, unless they renew. */
  | { readonly kind: 'busy'; readonly range: Interval; readonly owner: string; readonly until: Micros }
  /** (Part of) it waits for a person's decision. */
  | { readonly kind: 'held'; readonly range: Interval; readonly reason: string };

export interface Lease {
  readonly version: ViewVersion;
  readonly range: Interval;
  /** The attempt's number, unique in the version and growing. */
  readonly fence: number;
  readonly owner: string;
  readonly leaseFor: DurationMicros;
  readonly restate: boolean;
  /** Set when a person approved this range's held work: quality rules do not hold exactly that effect again. */
  readonly approvedEffectKey: string | null;
}

/** What was computed for a range: `file` is null when there were no rows. */
export interface StagedWork {
  readonly effectKey: string;
  readonly inputDigest: string;
  readonly file: StagedFile | null;
}

export interface Staged {
  readonly revision: number;
  readonly abandoned: readonly AbandonedFile[];
}

/** The file of an attempt that ended between staging and commit, newer than what is committed over its range. */
export interface AbandonedFile {
  readonly path: string;
  readonly range: Interval;
  readonly revision: number;
}

export interface StagedFile {
  /** Relative to the offline store's root. */
  readonly path: string;
  readonly rows: number;
  readonly bytes: number;
  /** SHA-256 of the file's bytes. */
  readonly digest: string;
}

export type Release =
  | { readonly kind: 'failed'; readonly error: string }
  | { readonly kind: 'held'; readonly reason: string };

export type Decision = { readonly kind: 'approve' | 'reject'; readonly by: string };

export interface Coverage {
  readonly committed: readonly Interval[];
  readonly running: readonly InFlight[];
  readonly held: readonly HeldRange[];
  /** Held once and approved: waits for the next run, which must claim exactly these ranges. */
  readonly approved: readonly Interval[];
  /** The newest failure of ranges that are neither committed nor in flight since. */
  readonly failed: readonly FailedRange[];
}

export interface InFlight extends Interval {
  readonly owner: string;
  readonly until: Micros;
}

export interface HeldRange extends Interval {
  readonly reason: string;
  readonly since: Micros;
}

export interface FailedRange extends Interval {
  readonly error: string;
  readonly at: Micros;
}

export interface CommittedFile {
  readonly path: string;
  /** The part of the file that counts: smaller than `fileRange` after a restatement of the rest. */
  readonly range: Interval;
  readonly fileRange: Interval;
  readonly revision: number;
  /** Those of the whole file, also where only a part of it counts, and for each of several parts. */
  readonly rows: number;
  readonly bytes: number;
  readonly digest: string;
  readonly inputDigest: string;
  readonly committedAt: Micros;
}

export interface CommittedWork {
  /** As it was committed, whatever newer work has taken of it since. */
  readonly range: Interval;
  readonly revision: number;
  readonly committedAt: Micros;
  /** Null: there were no rows. */
  readonly file: StagedFile | null;
}
