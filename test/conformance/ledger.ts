import { describe, expect, test } from 'vitest';
import type { Ledger } from '../../src/ledger/ledger.ts';
import { ledgerApprovals } from './ledger-approvals.ts';
import {
  claimRequest,
  complete,
  granted,
  hour,
  hours,
  hoursOf,
  later,
  NOW,
  someVersion,
  work,
} from './ledger-fixture.ts';
import { ledgerLeases } from './ledger-leases.ts';
import { ledgerProperties } from './ledger-properties.ts';

/** What every ledger must do; `make` gives a ledger on the same store each time, over its own connections. */
export function ledgerConformance(make: () => Promise<Ledger>): void {
  describe('claiming', () => {
    test('grants a range nobody has, and answers done once it is committed', async () => {
      const ledger = await make();
      const version = someVersion();
      const lease = await granted(ledger.claim(claimRequest(version, hours(0, 10))));
      expect(lease).toMatchObject({ version, range: hours(0, 10), owner: 'worker-1', restate: false });
      expect(lease.approvedEffectKey).toBeNull();
      await ledger.stage(lease, work('a'));
      await ledger.commit(lease, NOW);
      expect(await ledger.claim(claimRequest(version, hours(0, 10)))).toEqual({ kind: 'done' });
      expect(await ledger.claim(claimRequest(version, hours(3, 4)))).toEqual({ kind: 'done' });
    });

    test('answers with the missing parts when some of the range is committed', async () => {
      const ledger = await make();
      const version = someVersion();
      await complete(ledger, claimRequest(version, hours(2, 4)), work('a'));
      await complete(ledger, claimRequest(version, hours(6, 7)), work('b', 0));
      const claim = await ledger.claim(claimRequest(version, hours(0, 10)));
      expect(claim).toEqual({ kind: 'partial', missing: [hours(0, 2), hours(4, 6), hours(7, 10)] });
    });

    test('grants a committed range again to a restatement', async () => {
      const ledger = await make();
      const version = someVersion();
      await complete(ledger, claimRequest(version, hours(0, 10)), work('a'));
      const claim = await ledger.claim(claimRequest(version, hours(0, 10), { restate: true }));
      expect(claim).toMatchObject({ kind: 'granted', lease: { restate: true } });
    });

    test('refuses a version whose fingerprint is another than at its first claim', async () => {
      const ledger = await make();
      const version = someVersion();
      await complete(ledger, claimRequest(version, hours(0, 1)), work('a'));
      const changed = claimRequest(version, hours(1, 2), { fingerprint: 'fingerprint-b' });
      await expect(ledger.claim(changed)).rejects.toMatchObject({
        code: 'STORE_CORRUPT',
        message: expect.stringContaining('Give the changed definition a new version.'),
      });
    });

    test('keeps versions, views and projects apart', async () => {
      const ledger = await make();
      const version = someVersion();
      await complete(ledger, claimRequest(version, hours(0, 10)), work('a'));
      for (const other of [
        { ...version, version: 2 },
        { ...version, view: 'other' },
        { ...version, project: `${version.project}_2` },
      ]) {
        expect(await ledger.claim(claimRequest(other, hours(0, 10)))).toMatchObject({ kind: 'granted' });
      }
    });
  });

  describe('committing', () => {
    test('shows a file only from its commit on, with all that is known of it', async () => {
      const ledger = await make();
      const version = someVersion();
      const lease = await granted(ledger.claim(claimRequest(version, hours(0, 10))));
      await ledger.stage(lease, work('a', 7));
      expect(await ledger.files(version)).toEqual([]);
      await ledger.commit(lease, later(5));
      expect(await ledger.files(version)).toEqual([
        {
          path: 'data/a.parquet',
          range: hours(0, 10),
          fileRange: hours(0, 10),
          revision: 0,
          rows: 7,
          bytes: 700,
          digest: 'sha-a',
          inputDigest: 'input-a',
          committedAt: later(5),
        },
      ]);
    });

    test('keeps times to the microsecond', async () => {
      const ledger = await make();
      const version = someVersion();
      const odd = { start: (hour(0) + 1n) as typeof NOW, end: (hour(1) + 999_999n) as typeof NOW };
      await complete(ledger, claimRequest(version, odd), work('a'));
      expect((await ledger.files(version))[0]).toMatchObject({ range: odd, committedAt: NOW });
      expect((await ledger.coverage(version)).committed).toEqual([odd]);
    });

    test('counts a range without rows as committed, and lists no file for it', async () => {
      const ledger = await make();
      const version = someVersion();
      await complete(ledger, claimRequest(version, hours(0, 2)), work('a'));
      await complete(ledger, claimRequest(version, hours(2, 4)), work('b', 0));
      expect((await ledger.coverage(version)).committed).toEqual([hours(0, 4)]);
      expect((await ledger.files(version)).map((file) => file.path)).toEqual(['data/a.parquet']);
    });

    test('keeps what was replaced in the history, whole and once, with what was committed when', async () => {
      const ledger = await make();
      const version = someVersion();
      await complete(ledger, claimRequest(version, hours(0, 10)), work('a', 7));
      await complete(
        ledger,
        claimRequest(version, hours(4, 6), { restate: true, now: later(100) }),
        work('b', 0),
      );
      await complete(ledger, claimRequest(version, hours(12, 14), { now: later(200) }), work('c'));
      await granted(ledger.claim(claimRequest(version, hours(0, 1), { restate: true, now: later(300) })));
      const file = { path: 'data/a.parquet', rows: 7, bytes: 700, digest: 'sha-a' };
      expect(await ledger.history(version, hours(5, 12))).toEqual([
        { range: hours(0, 10), revision: 0, committedAt: NOW, file },
        { range: hours(4, 6), revision: 1, committedAt: later(100), file: null },
      ]);
      expect(await ledger.history(version, hours(10, 12))).toEqual([]);
      expect(await ledger.history(someVersion(), hours(0, 20))).toEqual([]);
    });

    test('splits a file around a restatement of its middle', async () => {
      const ledger = await make();
      const version = someVersion();
      await complete(ledger, claimRequest(version, hours(0, 10)), work('a'));
      await complete(ledger, claimRequest(version, hours(3, 5), { restate: true }), work('b'));
      const files = await ledger.files(version);
      expect(files.map((file) => [file.path, hoursOf(file.range), hoursOf(file.fileRange)])).toEqual([
        ['data/a.parquet', [0, 3], [0, 10]],
        ['data/b.parquet', [3, 5], [3, 5]],
        ['data/a.parquet', [5, 10], [0, 10]],
      ]);
      expect((await ledger.coverage(version)).committed).toEqual([hours(0, 10)]);
      expect((await ledger.files(version, hours(4, 6))).map((file) => hoursOf(file.range))).toEqual([
        [3, 5],
        [5, 10],
      ]);
    });

    test('replaces whole and partial files under a wide restatement', async () => {
      const ledger = await make();
      const version = someVersion();
      for (const [start, end] of [
        [0, 4],
        [4, 8],
        [8, 12],
      ] as const) {
        await complete(ledger, claimRequest(version, hours(start, end)), work(`f${start}`));
      }
      await complete(ledger, claimRequest(version, hours(2, 10), { restate: true }), work('wide'));
      const files = await ledger.files(version);
      expect(files.map((file) => [file.path, hoursOf(file.range)])).toEqual([
        ['data/f0.parquet', [0, 2]],
        ['data/wide.parquet', [2, 10]],
        ['data/f8.parquet', [10, 12]],
      ]);
    });

    test('keeps the old file readable until the restatement commits', async () => {
      const ledger = await make();
      const version = someVersion();
      await complete(ledger, claimRequest(version, hours(0, 10)), work('a'));
      const lease = await granted(
        ledger.claim(claimRequest(version, hours(0, 10), { restate: true, runId: 'run-2' })),
      );
      await ledger.stage(lease, work('b'));
      expect((await ledger.files(version)).map((file) => file.path)).toEqual(['data/a.parquet']);
      await ledger.release(lease, { kind: 'failed', error: 'no memory' }, NOW);
      expect((await ledger.files(version)).map((file) => file.path)).toEqual(['data/a.parquet']);
      expect((await ledger.coverage(version)).committed).toEqual([hours(0, 10)]);
    });

    test('is a success that changes nothing when repeated, even after someone restated the range', async () => {
      const ledger = await make();
      const version = someVersion();
      const first = await complete(ledger, claimRequest(version, hours(0, 10)), work('a'));
      await ledger.commit(first.lease, later(1));
      expect(await ledger.files(version)).toMatchObject([{ path: 'data/a.parquet', committedAt: NOW }]);
      await complete(ledger, claimRequest(version, hours(2, 3), { restate: true }), work('b'));
      await ledger.commit(first.lease, later(2));
      expect((await ledger.files(version)).map((file) => hoursOf(file.range))).toEqual([
        [0, 2],
        [2, 3],
        [3, 10],
      ]);
    });

    test('of the same effect over the same range changes nothing that readers see', async () => {
      const ledger = await make();
      const version = someVersion();
      await complete(ledger, claimRequest(version, hours(0, 10)), work('a'));
      const before = await ledger.files(version);
      const again = claimRequest(version, hours(0, 10), { restate: true, now: later(500) });
      await complete(ledger, again, work('a'));
      expect(await ledger.files(version)).toEqual(before);
    });

    test('needs staged work', async () => {
      const ledger = await make();
      const lease = await granted(ledger.claim(claimRequest(someVersion(), hours(0, 1))));
      await expect(ledger.commit(lease, NOW)).rejects.toMatchObject({ code: 'INTERNAL' });
    });
  });

  describe('revisions', () => {
    test('stay the same for work staged again after a crash, and begin at 0', async () => {
      const ledger = await make();
      const version = someVersion();
      for (let attempt = 0; attempt < 3; attempt++) {
        const request = claimRequest(version, hours(0, 10), { now: later(attempt * 100) });
        const lease = await granted(ledger.claim(request));
        expect(await ledger.stage(lease, work('a'))).toMatchObject({ revision: 0 });
        expect(await ledger.stage(lease, work('a'))).toMatchObject({ revision: 0 });
      }
    });

    test('grow when other work is staged, even if the earlier was never committed', async () => {
      const ledger = await make();
      const version = someVersion();
      const revisions: number[] = [];
      for (const [index, key] of ['a', 'b', 'a', 'a'].entries()) {
        const request = claimRequest(version, hours(0, 10), { now: later(index * 100) });
        const lease = await granted(ledger.claim(request));
        revisions.push((await ledger.stage(lease, work(key))).revision);
      }
      expect(revisions).toEqual([0, 1, 2, 2]);
    });

    test('are greater than those of every part that was restated', async () => {
      const ledger = await make();
      const version = someVersion();
      const restated = async (start: number, end: number, key: string) =>
        (await complete(ledger, claimRequest(version, hours(start, end), { restate: true }), work(key)))
          .revision;
      expect(await restated(0, 10, 'a')).toBe(0);
      expect(await restated(3, 5, 'b')).toBe(1);
      expect(await restated(7, 8, 'c')).toBe(1);
      expect(await restated(4, 6, 'd')).toBe(2);
      expect(await restated(0, 10, 'a')).toBe(3);
      expect(await restated(3, 5, 'b')).toBe(4);
      expect(await restated(0, 1, 'e')).toBe(4);
      expect(await restated(10, 12, 'f')).toBe(0);
    });

    test('do not depend on how often other attempts failed', async () => {
      const ledger = await make();
      const version = someVersion();
      for (let attempt = 0; attempt < 30; attempt++) {
        const lease = await granted(ledger.claim(claimRequest(version, hours(0, 10))));
        if (attempt === 0) await ledger.stage(lease, work('a'));
        await ledger.release(lease, { kind: 'failed', error: `failure ${attempt}` }, NOW);
      }
      const { revision } = await complete(ledger, claimRequest(version, hours(0, 10)), work('b'));
      expect(revision).toBe(1);
    });
  });

  describe('coverage', () => {
    test('of a version nobody claimed is empty', async () => {
      const ledger = await make();
      expect(await ledger.coverage(someVersion())).toEqual({
        committed: [],
        running: [],
        held: [],
        approved: [],
        failed: [],
      });
      expect(await ledger.files(someVersion())).toEqual([]);
    });

    test('merges committed ranges and lists what is in flight', async () => {
      const ledger = await make();
      const version = someVersion();
      for (const start of [4, 0, 2, 8]) {
        await complete(ledger, claimRequest(version, hours(start, start + 2)), work(`f${start}`));
      }
      await granted(ledger.claim(claimRequest(version, hours(6, 8))));
      const coverage = await ledger.coverage(version);
      expect(coverage.committed).toEqual([hours(0, 6), hours(8, 10)]);
      expect(coverage.running).toEqual([{ ...hours(6, 8), owner: 'worker-1', until: later(60) }]);
    });

    test('shows the newest failure of a range until it is tried again', async () => {
      const ledger = await make();
      const version = someVersion();
      const fail = async (start: number, end: number, error: string, seconds: number) => {
        const request = claimRequest(version, hours(start, end), { restate: true });
        const lease = await granted(ledger.claim(request));
        await ledger.release(lease, { kind: 'failed', error }, later(seconds));
      };
      await fail(0, 10, 'first', 1);
      await fail(4, 6, 'second', 2);
      expect((await ledger.coverage(version)).failed).toEqual([
        { ...hours(0, 4), error: 'first', at: later(1) },
        { ...hours(4, 6), error: 'second', at: later(2) },
        { ...hours(6, 10), error: 'first', at: later(1) },
      ]);
      await complete(ledger, claimRequest(version, hours(4, 8)), work('a'));
      await granted(ledger.claim(claimRequest(version, hours(0, 2))));
      expect((await ledger.coverage(version)).failed).toEqual([
        { ...hours(2, 4), error: 'first', at: later(1) },
        { ...hours(8, 10), error: 'first', at: later(1) },
      ]);
      await fail(4, 8, 'restatement failed', 3);
      expect((await ledger.coverage(version)).failed).toContainEqual({
        ...hours(4, 8),
        error: 'restatement failed',
        at: later(3),
      });
    });
  });

  describe('forgetting', () => {
    test('removes a version, loses its leases for good, and leaves others', async () => {
      const ledger = await make();
      const version = someVersion();
      const other = { ...version, version: 2 };
      await complete(ledger, claimRequest(version, hours(0, 1)), work('a'));
      await complete(ledger, claimRequest(other, hours(0, 1)), work('b'));
      const lease = await granted(ledger.claim(claimRequest(version, hours(1, 2))));
      await ledger.forget(version);
      await ledger.forget(version);
      expect(await ledger.files(version)).toEqual([]);
      expect(await ledger.files(other)).toHaveLength(1);
      await expect(ledger.renew(lease, NOW)).rejects.toMatchObject({ code: 'LEASE_LOST' });
      const anew = await granted(
        ledger.claim(claimRequest(version, hours(1, 2), { fingerprint: 'fingerprint-b' })),
      );
      expect(anew.fence).toBeGreaterThan(lease.fence);
      await expect(ledger.stage(lease, work('a'))).rejects.toMatchObject({ code: 'LEASE_LOST' });
    });
  });

  ledgerLeases(make);
  ledgerApprovals(make);
  ledgerProperties(make);
}
