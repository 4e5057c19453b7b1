import { messageOf, TidemarkError } from '../core/errors.ts';
import { type BatchViewSpec, formatViewVersion, type ViewVersion } from '../core/feature-view.ts';
import { formatInterval, type Interval } from '../core/interval.ts';
import type { Clock, DurationMicros } from '../core/time.ts';
import type { Lease, Ledger, StagedFile, StagedWork } from '../ledger/ledger.ts';
import type { FeatureComputer } from '../offline/feature-computer.ts';
import type { FeatureReader } from '../offline/feature-reader.ts';
import type { OnlineStore } from '../online/online-store.ts';
import { brokenRules } from './check-quality.ts';
import { claimRange } from './claim-range.ts';
import { effectKeyOf } from './effect-key.ts';
import { featureFilePath } from './file-path.ts';
import { holdLease } from './hold-lease.ts';
import { publish } from './publish.ts';
import { withdraw } from './withdraw.ts';

export interface MaterializeDeps {
  readonly ledger: Ledger;
  readonly computer: FeatureComputer;
  readonly reader: FeatureReader;
  readonly online: OnlineStore;
  readonly clock: Clock;
}

export interface MaterializeRequest {
  readonly project: string;
  readonly view: BatchViewSpec;
  readonly range: Interval;
  readonly restate: boolean;
  readonly owner: string;
  readonly runId: string;
  readonly leaseFor: DurationMicros;
  readonly signal?: AbortSignal;
  readonly onProgress?: (progress: MaterializeProgress) => void;
}

export interface MaterializeProgress {
  readonly phase: 'waiting' | 'computing' | 'checking' | 'publishing';
  readonly rows: number;
}

export type MaterializeOutcome =
  | {
      readonly kind: 'materialized';
      readonly rows: number;
      readonly bytes: number;
      readonly published: number;
      /** Somebody else had done a part of it. */
      readonly shared?: true;
    }
  /** Somebody else had done it. */
  | { readonly kind: 'skipped' }
  | { readonly kind: 'held'; readonly reason: string };

/**
 * The one path of every run: claim, compute to a staged file named by its effect, check, publish with
 * compare-and-set, withdraw what the range no longer gives, commit. It may be stopped at any point and repeated by anyone:
 *
 * - before `stage`, nothing refers to the file;
 * - between `stage` and `commit`, what was published is what the repetition publishes again, under the same
 *   revision, because the effect key is the same; if the input has changed since, the revision is greater;
 * - readers of the offline store see the file only from `commit` on.
 */
export async function materializeRange(
  request: MaterializeRequest,
  deps: MaterializeDeps,
): Promise<MaterializeOutcome> {
  const { project, view, range, restate, owner, runId, leaseFor, signal, onProgress } = request;
  const version: ViewVersion = { project, view: view.name, version: view.version };
  const claim = await claimRange(
    { version, fingerprint: view.fingerprint, range, restate, owner, runId, leaseFor },
    { ...deps, ...(signal && { signal }), onWait: () => onProgress?.({ phase: 'waiting', rows: 0 }) },
  );
  switch (claim.kind) {
    case 'done':
      return { kind: 'skipped' };
    case 'held':
      return { kind: 'held', reason: claim.reason };
    case 'partial':
      return await materializeParts(claim.missing, request, deps);
    case 'granted':
      return await runClaimed(claim.lease, request, deps);
  }
}

/** Somebody else has committed the rest since this was planned. */
async function materializeParts(
  parts: readonly Interval[],
  request: MaterializeRequest,
  deps: MaterializeDeps,
): Promise<MaterializeOutcome> {
  const total = { rows: 0, bytes: 0, published: 0 };
  const held: string[] = [];
  for (const range of parts) {
    const outcome = await materializeRange({ ...request, range }, deps);
    if (outcome.kind === 'held') held.push(outcome.reason);
    if (outcome.kind !== 'materialized') continue;
    total.rows += outcome.rows;
    total.bytes += outcome.bytes;
    total.published += outcome.published;
  }
  return held.length > 0
    ? { kind: 'held', reason: held.join('; ') }
    : { kind: 'materialized', ...total, shared: true };
}

async function runClaimed(
  lease: Lease,
  request: MaterializeRequest,
  deps: MaterializeDeps,
): Promise<MaterializeOutcome> {
  let outcome: MaterializeOutcome;
  try {
    outcome = await holdLease(lease, (signal) => runLeased(lease, { ...request, signal }, deps), {
      ...deps,
      ...(request.signal && { signal: request.signal }),
    });
  } catch (error) {
    // The lease may be lost or the ledger down: whoever comes next takes over when it expires.
    await deps.ledger
      .release(lease, { kind: 'failed', error: messageOf(error) }, deps.clock())
      .catch(() => undefined);
    throw error;
  }
  if (request.restate && outcome.kind === 'materialized') await publishCommitted(lease, request, deps);
  return outcome;
}

/**
 * A restatement of a newer range at the same time may have withdrawn a row that stood in the way of this one's, and
 * put back what was committed here before. No lease is needed: the store keeps the newer row.
 */
async function publishCommitted(
  { version, range }: Lease,
  { project, view, signal }: MaterializeRequest,
  deps: MaterializeDeps,
): Promise<void> {
  if (!view.online) return;
  const files = await deps.ledger.files(version, range);
  const slices = files.map(({ path, revision, range }) => ({ path, revision, range }));
  await publish({ project, view, slices, ...(signal && { signal }) }, deps);
}

async function runLeased(
  lease: Lease,
  request: MaterializeRequest & { readonly signal: AbortSignal },
  deps: MaterializeDeps,
): Promise<MaterializeOutcome> {
  const { project, view, signal, onProgress } = request;
  const { ledger, clock } = deps;
  onProgress?.({ phase: 'computing', rows: 0 });
  const work = await stageRange(lease, request, deps);
  const { revision, abandoned } = await ledger.stage(lease, work);
  if (work.file === null) {
    const broken = view.quality.some((rule) => rule.kind === 'minRows' && rule.rows > 0);
    if (broken && lease.approvedEffectKey !== work.effectKey) return await hold(lease, 'no rows', deps);
    if (view.online)
      await withdraw({ project, view, range: lease.range, abandoned, after: [], signal }, deps);
    await ledger.commit(lease, clock());
    return { kind: 'materialized', rows: 0, bytes: 0, published: 0 };
  }
  onProgress?.({ phase: 'checking', rows: work.file.rows });
  if (view.quality.length > 0 && lease.approvedEffectKey !== work.effectKey) {
    const profile = await deps.computer.profile(view, [{ path: work.file.path }], signal);
    const broken = brokenRules(view.quality, profile);
    if (broken.length > 0) return await hold(lease, broken.join('; '), deps);
  }
  const published = view.online
    ? await publish(
        {
          project,
          view,
          slices: [{ path: work.file.path, revision }],
          signal,
          onProgress: (rows) => onProgress?.({ phase: 'publishing', rows }),
        },
        deps,
      )
    : { published: 0 };
  if (view.online) {
    await withdraw(
      { project, view, range: lease.range, abandoned, after: [{ path: work.file.path, revision }], signal },
      deps,
    );
  }
  await ledger.commit(lease, clock());
  return {
    kind: 'materialized',
    rows: work.file.rows,
    bytes: work.file.bytes,
    published: published.published,
  };
}

async function hold(
  lease: Lease,
  reason: string,
  { ledger, clock }: MaterializeDeps,
): Promise<MaterializeOutcome> {
  await ledger.release(lease, { kind: 'held', reason }, clock());
  return { kind: 'held', reason };
}

/** How often a range is computed again because its source changed while it was read. */
const READS = 3;

async function stageRange(
  lease: Lease,
  { view, signal }: MaterializeRequest,
  { computer }: MaterializeDeps,
): Promise<StagedWork> {
  let inputDigest = await computer.inputDigest(view, lease.range, signal);
  for (let read = 1; ; read++) {
    const effectKey = effectKeyOf(
      lease.version,
      view.fingerprint,
      lease.range,
      inputDigest,
      computer.version,
    );
    const path = featureFilePath(lease.version, lease.range, effectKey);
    const file: StagedFile | null = await computer.compute({
      view,
      range: lease.range,
      path,
      ...(signal && { signal }),
    });
    // A source that grew between the two reads would put other rows under this effect's name.
    const after = await computer.inputDigest(view, lease.range, signal);
    if (after === inputDigest) return { effectKey, inputDigest, file };
    if (read === READS) {
      throw new TidemarkError(
        'SOURCE_UNREADABLE',
        `Cannot compute ${formatViewVersion(lease.version)} over ${formatInterval(lease.range)}: its source changed during each of ${READS} reads. Raise dataDelay so that an interval's data is complete when it is read.`,
      );
    }
    inputDigest = after;
  }
}
