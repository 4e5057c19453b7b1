import { describe, expect, test } from 'vitest';
import type { Lease, Ledger } from '../../src/ledger/ledger.ts';
import {
  claimRequest,
  complete,
  granted,
  hours,
  hoursOf,
  later,
  NOW,
  someVersion,
  work,
} from './ledger-fixture.ts';

export function ledgerLeases(make: () => Promise<Ledger>): void {
  describe('leases', () => {
    const LOST = { code: 'LEASE_LOST' };

    async function expectLost(ledger: Ledger, lease: Lease): Promise<void> {
      await expect(ledger.renew(lease, NOW)).rejects.toMatchObject(LOST);
      await expect(ledger.stage(lease, work('z'))).rejects.toMatchObject(LOST);
      await expect(ledger.commit(lease, NOW)).rejects.toMatchObject(LOST);
      const failed = ledger.release(lease, { kind: 'failed', error: 'late' }, NOW);
      await expect(failed).rejects.toMatchObject(LOST);
      const held = ledger.release(lease, { kind: 'held', reason: 'late' }, NOW);
      await expect(held).rejects.toMatchObject(LOST);
    }

    test('keep everyone else out of any part of their range until they expire', async () => {
      const ledger = await make();
      const version = someVersion();
      await granted(ledger.claim(claimRequest(version, hours(2, 4))));
      const other = { owner: 'worker-2', runId: 'run-2' };
      for (const range of [hours(2, 4), hours(0, 3), hours(3, 9), hours(0, 9)]) {
        expect(await ledger.claim(claimRequest(version, range, { ...other, now: later(59) }))).toEqual({
          kind: 'busy',
          range: hours(2, 4),
          owner: 'worker-1',
          until: later(60),
        });
      }
      expect(await ledger.claim(claimRequest(version, hours(4, 6), other))).toMatchObject({
        kind: 'granted',
      });
    });

    test('that expired are taken over with a greater fence, and their holders can do nothing more', async () => {
      const ledger = await make();
      const version = someVersion();
      const old = await granted(ledger.claim(claimRequest(version, hours(2, 4))));
      await ledger.stage(old, work('a'));
      const request = claimRequest(version, hours(0, 10), { owner: 'worker-2', now: later(60) });
      const lease = await granted(ledger.claim(request));
      expect(lease.fence).toBeGreaterThan(old.fence);
      await expectLost(ledger, old);
      await ledger.stage(lease, work('b'));
      await ledger.commit(lease, later(61));
      await expectLost(ledger, old);
      expect((await ledger.coverage(version)).failed).toEqual([]);
    });

    test('that were lost after staging leave what they may have published to the next work, until it commits', async () => {
      const ledger = await make();
      const version = someVersion();
      await complete(ledger, claimRequest(version, hours(4, 6)), work('c'));
      const old = await granted(ledger.claim(claimRequest(version, hours(2, 4))));
      await ledger.stage(old, work('a'));
      const request = claimRequest(version, hours(2, 4), { owner: 'worker-2', now: later(60) });
      const lease = await granted(ledger.claim(request));
      // The same work is no other work.
      expect(await ledger.stage(lease, work('a'))).toEqual({ revision: 0, abandoned: [] });
      expect(await ledger.stage(lease, work('b'))).toEqual({
        revision: 1,
        abandoned: [{ path: 'data/a.parquet', range: hours(2, 4), revision: 0 }],
      });
      await ledger.commit(lease, later(61));
      const again = claimRequest(version, hours(2, 6), { restate: true, now: later(62) });
      expect(await ledger.stage(await granted(ledger.claim(again)), work('d'))).toEqual({
        revision: 2,
        abandoned: [],
      });
    });

    test('that expired are still good as long as nobody took them over', async () => {
      const ledger = await make();
      const version = someVersion();
      const lease = await granted(ledger.claim(claimRequest(version, hours(2, 4))));
      await ledger.renew(lease, later(100));
      const other = claimRequest(version, hours(2, 4), { owner: 'worker-2', now: later(159) });
      expect(await ledger.claim(other)).toMatchObject({ kind: 'busy', until: later(160) });
      await ledger.stage(lease, work('a'));
      await ledger.commit(lease, later(500));
      expect((await ledger.coverage(version)).committed).toEqual([hours(2, 4)]);
    });

    test('go at once to the same run and owner that asks again for exactly the same range', async () => {
      const ledger = await make();
      const version = someVersion();
      const old = await granted(ledger.claim(claimRequest(version, hours(2, 4))));
      expect(await ledger.claim(claimRequest(version, hours(2, 5)))).toMatchObject({ kind: 'busy' });
      expect(await ledger.claim(claimRequest(version, hours(2, 4), { runId: 'run-2' }))).toMatchObject({
        kind: 'busy',
      });
      expect(await ledger.claim(claimRequest(version, hours(2, 4), { owner: 'worker-2' }))).toMatchObject({
        kind: 'busy',
      });
      const again = await granted(ledger.claim(claimRequest(version, hours(2, 4))));
      expect(again.fence).toBeGreaterThan(old.fence);
      await expectLost(ledger, old);
      await ledger.renew(again, NOW);
    });

    test('given back as failed leave the range free, and giving back twice is no error', async () => {
      const ledger = await make();
      const version = someVersion();
      const lease = await granted(ledger.claim(claimRequest(version, hours(2, 4))));
      await ledger.release(lease, { kind: 'failed', error: 'no such column' }, later(3));
      await ledger.release(lease, { kind: 'failed', error: 'no such column' }, later(4));
      expect((await ledger.coverage(version)).failed).toEqual([
        { ...hours(2, 4), error: 'no such column', at: later(3) },
      ]);
      await expect(ledger.commit(lease, NOW)).rejects.toMatchObject(LOST);
      await granted(ledger.claim(claimRequest(version, hours(2, 4), { owner: 'worker-2' })));
    });

    test('cannot be given back after their commit', async () => {
      const ledger = await make();
      const version = someVersion();
      const { lease } = await complete(ledger, claimRequest(version, hours(2, 4)), work('a'));
      const release = ledger.release(lease, { kind: 'failed', error: 'late' }, NOW);
      await expect(release).rejects.toMatchObject(LOST);
      expect((await ledger.coverage(version)).committed).toEqual([hours(2, 4)]);
    });

    test('are granted once when twenty claims of overlapping ranges come at once', async () => {
      const ledgers = await Promise.all(Array.from({ length: 4 }, make));
      const version = someVersion();
      const claims = await Promise.all(
        Array.from({ length: 20 }, (_, index) =>
          ledgers[index % 4]!.claim(
            claimRequest(version, hours(index % 5, 6 + (index % 3)), { owner: `worker-${index}` }),
          ),
        ),
      );
      const kinds = claims.map((claim) => claim.kind).toSorted();
      expect(kinds).toEqual([...Array<string>(19).fill('busy'), 'granted']);
    });

    test('are granted to everyone when the ranges are apart, and all of them can commit at once', async () => {
      const ledgers = await Promise.all(Array.from({ length: 4 }, make));
      const version = someVersion();
      await Promise.all(
        Array.from({ length: 20 }, (_, index) =>
          complete(
            ledgers[index % 4]!,
            claimRequest(version, hours(index, index + 1), { owner: `worker-${index}` }),
            work(`f${index}`),
          ),
        ),
      );
      expect((await ledgers[0]!.coverage(version)).committed).toEqual([hours(0, 20)]);
      expect((await ledgers[0]!.files(version)).map((file) => hoursOf(file.range)[0])).toEqual(
        Array.from({ length: 20 }, (_, index) => index),
      );
    });

    test('are taken over by one of many, and the old holder’s commit either came first or is lost', async () => {
      const ledgers = await Promise.all(Array.from({ length: 4 }, make));
      const version = someVersion();
      for (let round = 0; round < 10; round++) {
        const range = hours(round, round + 1);
        const old = await granted(ledgers[0]!.claim(claimRequest(version, range)));
        await ledgers[0]!.stage(old, work(`old${round}`));
        const [commit, ...claims] = await Promise.all([
          ledgers[0]!.commit(old, later(60)).then(
            () => 'committed',
            (error: { code: string }) => error.code,
          ),
          ...[1, 2, 3].map((index) =>
            ledgers[index]!.claim(claimRequest(version, range, { owner: `worker-${index}`, now: later(61) })),
          ),
        ]);
        const grants = claims.filter((claim) => claim.kind === 'granted').length;
        expect([commit, grants]).toEqual(commit === 'committed' ? ['committed', 0] : ['LEASE_LOST', 1]);
        expect(await ledgers[0]!.files(version, range)).toHaveLength(commit === 'committed' ? 1 : 0);
      }
    });
  });
}
