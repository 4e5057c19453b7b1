import { expect } from 'vitest';
import type { ViewVersion } from '../../src/core/feature-view.ts';
import type { Lease, Ledger } from '../../src/ledger/ledger.ts';
import { claimRequest, hours, hoursOf, later, work } from './ledger-fixture.ts';

/** The model's time line: hours 0 to POINTS − 1, each kept for itself. */
export const POINTS = 10;

type Span = readonly [start: number, end: number];

export type Operation =
  | { kind: 'claim'; range: Span; restate: boolean; worker: string }
  | { kind: 'stage'; holder: number; key: string; rows: number }
  | { kind: 'commit' | 'renew' | 'fail' | 'hold'; holder: number }
  | { kind: 'decide'; range: Span; decision: 'approve' | 'reject' }
  | { kind: 'wait'; seconds: number };

interface Attempt {
  readonly lease: Lease;
  readonly range: Span;
  readonly worker: string;
  until: number;
  state: 'running' | 'held' | 'approved' | 'committed' | 'failed';
  /** Ended by somebody else, so that nothing its holder does counts. */
  isLost: boolean;
  staged?: { path: string | null; key: string; revision: number };
  approved: string | null;
}

export interface LedgerModel {
  readonly version: ViewVersion;
  seconds: number;
  readonly attempts: Attempt[];
  readonly committed: ({ path: string | null; revision: number } | undefined)[];
  /** By second: what was committed at its end, by hour. Seconds in which nothing was are left out. */
  readonly states: Map<number, readonly (string | null | undefined)[]>;
  /** By hour: the newest revision handed out and the work that got it. */
  readonly published: ({ revision: number; work: string } | undefined)[];
  /** By hour: the newest attempt. */
  readonly newest: (Attempt | undefined)[];
}

export function newModel(version: ViewVersion): LedgerModel {
  return {
    version,
    seconds: 0,
    attempts: [],
    committed: Array(POINTS).fill(undefined),
    states: new Map(),
    published: Array(POINTS).fill(undefined),
    newest: Array(POINTS).fill(undefined),
  };
}

export async function step(ledger: Ledger, model: LedgerModel, operation: Operation): Promise<void> {
  switch (operation.kind) {
    case 'claim':
      return claim(ledger, model, operation);
    case 'decide':
      return decide(ledger, model, operation);
    case 'wait':
      model.seconds += operation.seconds;
      return;
    default: {
      const attempt = model.attempts.at(-1 - operation.holder);
      if (attempt !== undefined) await act(ledger, model, attempt, operation);
    }
  }
}

const hoursIn = ([start, end]: Span) => Array.from({ length: end - start }, (_, index) => start + index);
const isSame = (a: Span, b: Span) => a[0] === b[0] && a[1] === b[1];
const overlap = (a: Span, b: Span) => a[0] < b[1] && b[0] < a[1];

async function claim(
  ledger: Ledger,
  model: LedgerModel,
  { range, restate, worker }: Extract<Operation, { kind: 'claim' }>,
): Promise<void> {
  const now = later(model.seconds);
  const request = claimRequest(model.version, hours(...range), { restate, owner: worker, now });
  const answer = await ledger.claim(request);
  const open = model.attempts
    .filter(({ state }) => state === 'running' || state === 'held' || state === 'approved')
    .filter((attempt) => overlap(attempt.range, range));
  const approved = open.filter(
    ({ state, range: [start, end] }) => state === 'approved' && range[0] <= start && end <= range[1],
  );
  const isExact = approved.some((attempt) => isSame(attempt.range, range));
  if (!restate && !isExact) {
    const done = hoursIn(range).filter((hour) => model.committed[hour] !== undefined);
    if (approved.length > 0 || (done.length > 0 && done.length < range[1] - range[0])) {
      expect(answer.kind).toBe('partial');
      if (answer.kind !== 'partial') return;
      const missing = answer.missing.map(hoursOf);
      for (const part of approved) expect(missing).toContainEqual([...part.range]);
      const wanted = hoursIn(range).filter(
        (hour) =>
          model.committed[hour] === undefined ||
          approved.some((part) => part.range[0] <= hour && hour < part.range[1]),
      );
      expect(missing.flatMap(hoursIn)).toEqual(wanted);
      return;
    }
    if (done.length > 0) {
      expect(answer).toEqual({ kind: 'done' });
      return;
    }
  }
  const blockers = open.filter(
    (attempt) =>
      attempt.state === 'held' ||
      (attempt.state === 'running' &&
        attempt.until > model.seconds &&
        !(attempt.worker === worker && isSame(attempt.range, range))),
  );
  if (blockers.length > 0) {
    expect(['busy', 'held']).toContain(answer.kind);
    if (answer.kind !== 'busy' && answer.kind !== 'held') return;
    const blocker = blockers.find((attempt) => isSame(attempt.range, hoursOf(answer.range)));
    expect(blocker?.state).toBe(answer.kind === 'busy' ? 'running' : 'held');
    return;
  }
  expect(answer.kind).toBe('granted');
  if (answer.kind !== 'granted') return;
  expect(answer.lease.fence).toBeGreaterThan(model.attempts.at(-1)?.lease.fence ?? 0);
  for (const attempt of open) {
    attempt.state = 'failed';
    attempt.isLost = true;
  }
  const approval =
    model.attempts.findLast(
      (attempt) => attempt.state === 'failed' && attempt.approved !== null && isSame(attempt.range, range),
    )?.approved ?? null;
  expect(answer.lease.approvedEffectKey).toBe(approval);
  for (const attempt of model.attempts) {
    if (attempt.state === 'failed' && isSame(attempt.range, range)) attempt.approved = null;
  }
  const granted: Attempt = {
    lease: answer.lease,
    range,
    worker,
    until: model.seconds + 60,
    state: 'running',
    isLost: false,
    approved: approval,
  };
  model.attempts.push(granted);
  for (const hour of hoursIn(range)) model.newest[hour] = granted;
}

async function act(
  ledger: Ledger,
  model: LedgerModel,
  attempt: Attempt,
  operation: Extract<Operation, { holder: number }>,
): Promise<void> {
  const { lease } = attempt;
  const now = later(model.seconds);
  const isRunning = attempt.state === 'running';
  switch (operation.kind) {
    case 'stage': {
      const key = `${operation.key} ${operation.rows} ${attempt.range.join('-')}`;
      const staged = work(key, operation.rows);
      const answer = await ledger.stage(lease, staged).catch(codeOf);
      if (!isRunning) return expect(answer).toBe('LEASE_LOST');
      const newest = hoursIn(attempt.range).flatMap((hour) => model.published[hour] ?? []);
      const greatest = Math.max(-1, ...newest.map(({ revision }) => revision));
      const isAgain =
        newest.length > 0 &&
        newest.filter(({ revision }) => revision === greatest).every((of) => of.work === key);
      const revision = isAgain ? greatest : greatest + 1;
      expect(answer).toMatchObject({ revision });
      attempt.staged = { path: staged.file?.path ?? null, key, revision };
      for (const hour of hoursIn(attempt.range)) model.published[hour] = { revision, work: key };
      return;
    }
    case 'commit': {
      const answer = await ledger.commit(lease, now).then(ok, codeOf);
      if (attempt.state === 'committed') return expect(answer).toBe('ok');
      if (!isRunning) return expect(answer).toBe('LEASE_LOST');
      if (attempt.staged === undefined) return expect(answer).toBe('INTERNAL');
      expect(answer).toBe('ok');
      attempt.state = 'committed';
      for (const hour of hoursIn(attempt.range)) model.committed[hour] = attempt.staged;
      model.states.set(
        model.seconds,
        model.committed.map((cell) => cell?.path),
      );
      return;
    }
    case 'renew': {
      const answer = await ledger.renew(lease, now).then(ok, codeOf);
      expect(answer).toBe(isRunning ? 'ok' : 'LEASE_LOST');
      if (isRunning) attempt.until = model.seconds + 60;
      return;
    }
    case 'fail':
    case 'hold': {
      const isHold = operation.kind === 'hold';
      const answer = await ledger
        .release(lease, isHold ? { kind: 'held', reason: 'odd' } : { kind: 'failed', error: 'broken' }, now)
        .then(ok, codeOf);
      if (attempt.isLost || attempt.state === 'committed') return expect(answer).toBe('LEASE_LOST');
      if (!isRunning) return expect(answer).toBe('ok');
      if (isHold && attempt.staged === undefined) return expect(answer).toBe('INTERNAL');
      expect(answer).toBe('ok');
      attempt.state = isHold ? 'held' : 'failed';
    }
  }
}

async function decide(
  ledger: Ledger,
  model: LedgerModel,
  { range, decision }: Extract<Operation, { kind: 'decide' }>,
): Promise<void> {
  const decided = await ledger.decide(
    model.version,
    hours(...range),
    { kind: decision, by: 'ann@example.com' },
    later(model.seconds),
  );
  const held = model.attempts
    .filter((attempt) => attempt.state === 'held')
    .filter((attempt) => range[0] <= attempt.range[0] && attempt.range[1] <= range[1])
    .toSorted((a, b) => a.range[0] - b.range[0]);
  expect(decided.map(hoursOf)).toEqual(held.map((attempt) => attempt.range));
  for (const attempt of held) {
    attempt.state = decision === 'approve' ? 'approved' : 'failed';
    attempt.approved = decision === 'approve' ? (attempt.staged?.key ?? null) : null;
  }
}

const ok = () => 'ok' as const;
const codeOf = (error: { code?: string }) => error.code ?? String(error);
