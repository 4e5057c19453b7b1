import { beforeAll, describe, expect, test } from 'vitest';
import type { Interval } from '../../src/core/interval.ts';
import { durationOf, type Micros, micros } from '../../src/core/time.ts';
import type { LateInput } from '../../src/ledger/late-input.ts';
import type { Ledger } from '../../src/ledger/ledger.ts';
import { ledgerMigrations } from '../../src/ledger/postgres/migrations.ts';
import { createPostgresLedger } from '../../src/ledger/postgres/postgres-ledger.ts';
import { createLatePushedRows } from '../../src/push/postgres/late-pushed-rows.ts';
import { pushMigrations } from '../../src/push/postgres/migrations.ts';
import { createPostgresPushedFiles } from '../../src/push/postgres/postgres-pushed-files.ts';
import type { PushedFiles } from '../../src/push/pushed-files.ts';
import { migrate } from '../../src/registry/postgres/migrate.ts';
import { connectPostgres, type PostgresPool, transaction } from '../../src/registry/postgres/pool.ts';
import { claimRequest, hour, hours, hoursOf, later, someVersion } from '../conformance/ledger-fixture.ts';
import { pushSourceSpec } from '../support/push-world.ts';
import { testDatabase, uniqueName } from '../support/services.ts';

let pool: PostgresPool;
let ledger: Ledger;
let files: PushedFiles;
let late: LateInput;

beforeAll(async () => {
  pool = connectPostgres(await testDatabase('late'));
  await migrate(pool, [ledgerMigrations, pushMigrations]);
  ledger = createPostgresLedger(pool);
  files = createPostgresPushedFiles(pool);
  late = createLatePushedRows(pool);
  return () => pool.end();
});

/** A version that reads a source of its own, and what can happen to both. */
function someView() {
  const version = someVersion();
  const source = pushSourceSpec({}, { project: version.project });
  const claim = async (range: Interval) => {
    const claimed = await ledger.claim(claimRequest(version, range, { restate: true }));
    if (claimed.kind !== 'granted') throw new Error(`not granted but ${claimed.kind}`);
    return claimed.lease;
  };
  const finish = async (lease: Awaited<ReturnType<typeof claim>>) => {
    await ledger.stage(lease, { effectKey: uniqueName('effect'), inputDigest: 'same', file: null });
    await ledger.commit(lease, later(1));
  };
  return {
    version,
    source,
    claim,
    finish,
    commit: async (range: Interval) => finish(await claim(range)),
    /** A file whose rows happened in the minute that begins so many minutes after that hour. */
    receive: (...minutes: readonly (readonly [hour: number, minute: number])[]) =>
      files.record(
        fileOf(
          version.project,
          minutes.map(([at, minute]) => minuteOf(at, minute)),
        ),
      ),
    late: async (reach = '0s') => {
      const found = await late.lateRanges({ version, source, reach: durationOf(reach) });
      return found.map(hoursOf);
    },
  };
}

function minuteOf(at: number, minute: number): Interval {
  const start: Micros = micros(hour(at) + BigInt(minute) * 60_000_000n);
  return { start, end: micros(start + 60_000_000n) };
}

function fileOf(project: string, eventTimes: readonly Interval[]) {
  return { project, source: 'clicks', path: uniqueName('file'), rows: 1, bytes: 1, digest: 'd', eventTimes };
}

describe('a committed range is late', () => {
  test('when a file with its event times was recorded after it was committed, and only then', async () => {
    const view = someView();
    await view.receive([1, 0]);
    await view.commit(hours(0, 10));
    expect(await view.late()).toEqual([]);
    await view.receive([3, 0]);
    await view.receive([12, 0]);
    const [found] = await late.lateRanges({ ...view, reach: durationOf('0s') });
    expect(found).toEqual(minuteOf(3, 0));
  });

  test('when the file was recorded between its claim and its commit', async () => {
    const view = someView();
    const lease = await view.claim(hours(0, 10));
    await view.receive([3, 0]);
    expect(await view.late()).toEqual([]);
    await view.finish(lease);
    expect(await view.late()).toHaveLength(1);
  });

  test('when the file was being recorded while it was claimed, whatever the clocks say', async () => {
    const view = someView();
    let lease: Awaited<ReturnType<typeof view.claim>> | undefined;
    const { path } = fileOf(view.version.project, []);
    await transaction(pool, async (query) => {
      await query(
        `insert into pushed_files (project, source, path, rows, bytes, digest, event_times, recorded_at)
         values ($1, 'clicks', $2, 1, 1, 'd', '{[2026-01-01 03:00Z,2026-01-01 03:01Z)}', '2020-01-01')`,
        [view.version.project, path],
      );
      lease = await view.claim(hours(0, 10));
    });
    if (lease === undefined) throw new Error('not claimed');
    await view.finish(lease);
    expect(await view.late()).toHaveLength(1);
  });

  test('until it is committed anew, also when that gives what was there', async () => {
    const view = someView();
    await view.commit(hours(0, 10));
    await view.receive([3, 0], [7, 30]);
    expect(await view.late()).toHaveLength(2);
    expect(await view.late()).toHaveLength(2);
    await view.commit(hours(3, 4));
    expect(await view.late()).toHaveLength(1);
    await view.commit(hours(7, 8));
    expect(await view.late()).toEqual([]);
  });

  test('in both of its parts after the middle was restated, and not where it was', async () => {
    const view = someView();
    await view.commit(hours(0, 10));
    await view.commit(hours(4, 6));
    await view.receive([3, 0], [8, 0]);
    await view.commit(hours(3, 4));
    expect(await view.late()).toEqual([[8, 8]]);
  });

  test('as far as a window reaches after the event', async () => {
    const view = someView();
    await view.commit(hours(0, 10));
    await view.receive([3, 59]);
    const [found] = await late.lateRanges({ ...view, reach: durationOf('2h') });
    expect(found).toEqual({ start: minuteOf(3, 59).start, end: minuteOf(5, 59).end });
  });

  test('not by a file that others were merged into', async () => {
    const view = someView();
    const before = fileOf(view.version.project, [minuteOf(3, 0)]);
    await files.record(before);
    await view.commit(hours(0, 10));
    const merged = fileOf(view.version.project, [minuteOf(3, 0)]);
    expect(await files.replace([before.path], merged)).toBe(true);
    expect(await view.late()).toEqual([]);
    // And what was late before it was merged still is.
    const late = fileOf(view.version.project, [minuteOf(5, 0)]);
    await files.record(late);
    await files.replace(
      [late.path, merged.path],
      fileOf(view.version.project, [minuteOf(3, 0), minuteOf(5, 0)]),
    );
    expect(await view.late()).toEqual([[5, 5]]);
  });

  test('by its own source and project alone', async () => {
    const view = someView();
    await view.commit(hours(0, 10));
    await files.record(fileOf(uniqueName('other'), [minuteOf(3, 0)]));
    const other = { ...fileOf(view.version.project, [minuteOf(3, 0)]), source: 'sales' };
    await files.record(other);
    expect(await view.late()).toEqual([]);
  });
});
