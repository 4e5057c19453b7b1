import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Ledger } from '../../src/ledger/ledger.ts';
import { claimRequest, hours, hoursOf, later, NOW, someVersion, work } from './ledger-fixture.ts';
import { type LedgerModel, newModel, type Operation, POINTS, step } from './ledger-model.ts';

const ranges = fc
  .tuple(fc.integer({ min: 0, max: POINTS - 1 }), fc.integer({ min: 1, max: 5 }))
  .map(([start, length]) => [start, Math.min(POINTS, start + length)] as const);
const workers = fc.constantFrom('worker-1', 'worker-2', 'worker-3');
/** Which lease acts, counted from the newest. */
const holders = fc.constantFrom(0, 0, 0, 0, 1, 2, 3);

const operations: fc.Arbitrary<Operation> = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({
      kind: fc.constant('claim' as const),
      range: ranges,
      restate: fc.constantFrom(true, true, false),
      worker: workers,
    }),
  },
  {
    weight: 5,
    arbitrary: fc.record({
      kind: fc.constant('stage' as const),
      holder: holders,
      key: fc.constantFrom('a', 'b', 'c'),
      rows: fc.constantFrom(0, 5, 5, 5),
    }),
  },
  { weight: 6, arbitrary: fc.record({ kind: fc.constant('commit' as const), holder: holders }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('renew' as const), holder: holders }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('fail' as const), holder: holders }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('hold' as const), holder: holders }) },
  {
    weight: 2,
    arbitrary: fc.record({
      kind: fc.constant('decide' as const),
      range: ranges,
      decision: fc.constantFrom('approve' as const, 'reject' as const),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({ kind: fc.constant('wait' as const), seconds: fc.constantFrom(10, 30, 61) }),
  },
);

export function ledgerProperties(make: () => Promise<Ledger>): void {
  describe('any sequence of operations', () => {
    test('gives the answers, revisions, files, coverage and history that a model by single hours gives', async () => {
      const ledger = await make();
      await fc.assert(
        fc.asyncProperty(
          fc.array(operations, { minLength: 10, maxLength: 50, size: 'max' }),
          async (sequence) => {
            const model = newModel(someVersion());
            for (const operation of sequence) {
              await step(ledger, model, operation);
              await expectSame(ledger, model);
            }
            await expectSameHistory(ledger, model);
          },
        ),
        { numRuns: 40 },
      );
    }, 120_000);

    test('never repeats a revision for other work over the same hour, however many write at once', async () => {
      const ledgers = await Promise.all([make(), make(), make()]);
      const version = someVersion();
      const published: { hour: number; revision: number; work: string }[] = [];
      const worker = async (index: number) => {
        for (let round = 0; round < 15; round++) {
          const start = (index * 3 + round * 2) % 6;
          const range = [start, start + 1 + ((index + round) % 4)] as const;
          const key = `effect-${(index + round) % 5}`;
          const claim = await ledgers[index]!.claim(
            claimRequest(version, hours(...range), { restate: true, owner: `worker-${index}` }),
          );
          if (claim.kind !== 'granted') continue;
          const { revision } = await ledgers[index]!.stage(claim.lease, work(key));
          for (let hour = range[0]; hour < range[1]; hour++) {
            published.push({ hour, revision, work: `${range.join('-')} ${key}` });
          }
          if (round % 3 === 0) {
            await ledgers[index]!.release(claim.lease, { kind: 'failed', error: 'stopped' }, NOW);
          } else await ledgers[index]!.commit(claim.lease, NOW);
        }
      };
      await Promise.all([0, 1, 2].map(worker));
      const seen = new Map<string, string>();
      for (const { hour, revision, work: of } of published) {
        const before = seen.get(`${hour}/${revision}`);
        expect(before ?? of).toBe(of);
        seen.set(`${hour}/${revision}`, of);
      }
      expect(published.length).toBeGreaterThan(20);
    });
  });
}

async function expectSame(ledger: Ledger, model: LedgerModel): Promise<void> {
  const [files, coverage] = await Promise.all([ledger.files(model.version), ledger.coverage(model.version)]);
  const paths = Array<string | undefined>(POINTS).fill(undefined);
  let end = 0;
  for (const file of files) {
    const [from, to] = hoursOf(file.range);
    expect(from).toBeGreaterThanOrEqual(end);
    end = to;
    for (let hour = from; hour < to; hour++) paths[hour] = `${file.path} r${file.revision}`;
  }
  expect(paths).toEqual(
    model.committed.map((cell) => (cell?.path ? `${cell.path} r${cell.revision}` : undefined)),
  );
  const covered = Array<boolean>(POINTS).fill(false);
  for (const range of coverage.committed) {
    for (let hour = hoursOf(range)[0]; hour < hoursOf(range)[1]; hour++) covered[hour] = true;
  }
  expect(covered).toEqual(model.committed.map((cell) => cell !== undefined));
  const open = (state: string) =>
    model.attempts
      .filter((attempt) => attempt.state === state)
      .map((attempt) => attempt.range)
      .toSorted((a, b) => a[0] - b[0]);
  expect(coverage.running.map(hoursOf)).toEqual(open('running'));
  expect(coverage.held.map(hoursOf)).toEqual(open('held'));
  expect(coverage.approved.map(hoursOf)).toEqual(open('approved'));
  expect(failedHours(coverage.failed.map(hoursOf))).toEqual(
    model.newest.map((attempt) => attempt?.state === 'failed'),
  );
}

/** At the end of each second the last work committed by then is what was committed. */
async function expectSameHistory(ledger: Ledger, model: LedgerModel): Promise<void> {
  const history = await ledger.history(model.version, hours(0, POINTS));
  for (const [seconds, expected] of model.states) {
    const paths = Array<string | null | undefined>(POINTS).fill(undefined);
    for (const { range, committedAt, file } of history) {
      if (committedAt > later(seconds)) continue;
      const [from, to] = hoursOf(range);
      paths.fill(file?.path ?? null, from, to);
    }
    expect(paths).toEqual(expected);
  }
}

function failedHours(failed: readonly (readonly [number, number])[]): readonly boolean[] {
  return Array.from({ length: POINTS }, (_, hour) =>
    failed.some(([start, end]) => start <= hour && hour < end),
  );
}
