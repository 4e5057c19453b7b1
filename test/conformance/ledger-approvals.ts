import { describe, expect, test } from 'vitest';
import type { ViewVersion } from '../../src/core/feature-view.ts';
import type { Interval } from '../../src/core/interval.ts';
import type { Ledger } from '../../src/ledger/ledger.ts';
import { missingOf } from '../../src/ledger/watermark.ts';
import { claimRequest, complete, granted, hours, later, NOW, someVersion, work } from './ledger-fixture.ts';

export function ledgerApprovals(make: () => Promise<Ledger>): void {
  describe('held work', () => {
    const APPROVE = { kind: 'approve', by: 'ann@example.com' } as const;
    const REJECT = { kind: 'reject', by: 'ann@example.com' } as const;

    async function hold(ledger: Ledger, version: ViewVersion, range: Interval, key = 'a', restate = false) {
      const lease = await granted(ledger.claim(claimRequest(version, range, { restate })));
      await ledger.stage(lease, work(key));
      await ledger.release(lease, { kind: 'held', reason: 'too few rows' }, later(2));
      return lease;
    }

    test('keeps its range and its reason until somebody decides', async () => {
      const ledger = await make();
      const version = someVersion();
      const lease = await hold(ledger, version, hours(2, 4));
      await ledger.release(lease, { kind: 'held', reason: 'too few rows' }, later(9));
      const other = claimRequest(version, hours(0, 10), { owner: 'worker-2', now: later(9999) });
      expect(await ledger.claim(other)).toEqual({
        kind: 'held',
        range: hours(2, 4),
        reason: 'too few rows',
      });
      const coverage = await ledger.coverage(version);
      expect(coverage.held).toEqual([{ ...hours(2, 4), reason: 'too few rows', since: later(2) }]);
      expect(coverage.committed).toEqual([]);
      expect(await ledger.files(version)).toEqual([]);
      expect(missingOf(hours(0, 10), coverage)).toEqual([hours(0, 2), hours(4, 10)]);
    });

    test('must have been staged', async () => {
      const ledger = await make();
      const lease = await granted(ledger.claim(claimRequest(someVersion(), hours(0, 1))));
      const held = ledger.release(lease, { kind: 'held', reason: 'too few rows' }, NOW);
      await expect(held).rejects.toMatchObject({ code: 'INTERNAL' });
    });

    test('leaves the last good data in service', async () => {
      const ledger = await make();
      const version = someVersion();
      await complete(ledger, claimRequest(version, hours(2, 4)), work('good'));
      await hold(ledger, version, hours(2, 4), 'bad', true);
      expect((await ledger.files(version)).map((file) => file.path)).toEqual(['data/good.parquet']);
      expect(await ledger.claim(claimRequest(version, hours(2, 4)))).toEqual({ kind: 'done' });
    });

    test('once approved is granted to the next run with its effect, under the same revision', async () => {
      const ledger = await make();
      const version = someVersion();
      await hold(ledger, version, hours(2, 4));
      expect(await ledger.decide(version, hours(0, 10), APPROVE, later(3))).toEqual([hours(2, 4)]);
      expect(await ledger.decide(version, hours(0, 10), APPROVE, later(4))).toEqual([]);
      const lease = await granted(ledger.claim(claimRequest(version, hours(2, 4), { owner: 'worker-2' })));
      expect(lease.approvedEffectKey).toBe('a');
      expect(await ledger.stage(lease, work('a'))).toMatchObject({ revision: 0 });
      await ledger.commit(lease, NOW);
      expect(await ledger.coverage(version)).toMatchObject({
        committed: [hours(2, 4)],
        held: [],
        approved: [],
        failed: [],
      });
    });

    test('once approved is a missing part of its own, so that its effect stays the one approved', async () => {
      const ledger = await make();
      const version = someVersion();
      await complete(ledger, claimRequest(version, hours(0, 2)), work('before'));
      await hold(ledger, version, hours(2, 4));
      await ledger.decide(version, hours(2, 4), APPROVE, later(3));
      const coverage = await ledger.coverage(version);
      expect(coverage.approved).toEqual([hours(2, 4)]);
      const missing = [hours(2, 4), hours(4, 10)];
      expect(missingOf(hours(0, 10), coverage)).toEqual(missing);
      expect(await ledger.claim(claimRequest(version, hours(2, 10)))).toEqual({ kind: 'partial', missing });
    });

    test('once approved is to be done even where it replaces committed data', async () => {
      const ledger = await make();
      const version = someVersion();
      await complete(ledger, claimRequest(version, hours(0, 10)), work('good'));
      await hold(ledger, version, hours(2, 4), 'odd', true);
      await ledger.decide(version, hours(2, 4), APPROVE, later(3));
      expect(missingOf(hours(0, 10), await ledger.coverage(version))).toEqual([hours(2, 4)]);
      const lease = await granted(ledger.claim(claimRequest(version, hours(2, 4))));
      expect(lease.approvedEffectKey).toBe('odd');
      await ledger.stage(lease, work('odd'));
      await ledger.commit(lease, NOW);
      expect((await ledger.files(version, hours(2, 4))).map((file) => file.path)).toEqual([
        'data/odd.parquet',
      ]);
    });

    test('stays approved when the run that took it fails or dies', async () => {
      const ledger = await make();
      const version = someVersion();
      await hold(ledger, version, hours(2, 4));
      await ledger.decide(version, hours(2, 4), APPROVE, later(3));
      const first = await granted(ledger.claim(claimRequest(version, hours(2, 4))));
      await ledger.release(first, { kind: 'failed', error: 'no memory' }, NOW);
      const second = await granted(ledger.claim(claimRequest(version, hours(2, 4))));
      expect(second.approvedEffectKey).toBe('a');
      const third = claimRequest(version, hours(2, 4), { owner: 'worker-2', now: later(60) });
      expect((await granted(ledger.claim(third))).approvedEffectKey).toBe('a');
    });

    test('approved is not approved any more after its commit', async () => {
      const ledger = await make();
      const version = someVersion();
      await hold(ledger, version, hours(2, 4));
      await ledger.decide(version, hours(2, 4), APPROVE, later(3));
      await complete(ledger, claimRequest(version, hours(2, 4)), work('a'));
      const restate = claimRequest(version, hours(2, 4), { restate: true });
      expect((await granted(ledger.claim(restate))).approvedEffectKey).toBeNull();
    });

    test('loses its approval to a restatement of a wider range', async () => {
      const ledger = await make();
      const version = someVersion();
      await hold(ledger, version, hours(2, 4));
      await ledger.decide(version, hours(2, 4), APPROVE, later(3));
      const lease = await granted(ledger.claim(claimRequest(version, hours(0, 10), { restate: true })));
      expect(lease.approvedEffectKey).toBeNull();
      expect((await ledger.coverage(version)).approved).toEqual([]);
    });

    test('once rejected is missing again, and says who rejected it', async () => {
      const ledger = await make();
      const version = someVersion();
      await hold(ledger, version, hours(2, 4));
      expect(await ledger.decide(version, hours(0, 10), REJECT, later(3))).toEqual([hours(2, 4)]);
      const coverage = await ledger.coverage(version);
      expect(coverage.failed).toEqual([
        { ...hours(2, 4), error: 'rejected by ann@example.com: too few rows', at: later(3) },
      ]);
      expect(missingOf(hours(2, 4), coverage)).toEqual([hours(2, 4)]);
      const lease = await granted(ledger.claim(claimRequest(version, hours(2, 4))));
      expect(lease.approvedEffectKey).toBeNull();
    });

    test('is decided only where it lies inside the range asked for', async () => {
      const ledger = await make();
      const version = someVersion();
      await hold(ledger, version, hours(6, 8));
      await hold(ledger, version, hours(2, 4));
      expect(await ledger.decide(version, hours(3, 7), APPROVE, NOW)).toEqual([]);
      expect(await ledger.decide(someVersion(), hours(0, 10), APPROVE, NOW)).toEqual([]);
      expect(await ledger.decide(version, hours(2, 8), APPROVE, NOW)).toEqual([hours(2, 4), hours(6, 8)]);
    });
  });
}
