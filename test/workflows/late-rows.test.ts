import { afterAll, beforeAll, expect, test } from 'vitest';
import { runWorkerHere } from '../../src/cli/worker-here.ts';
import type { Interval } from '../../src/core/interval.ts';
import { durationOf, micros, timeOf } from '../../src/core/time.ts';
import { sliceScanSql } from '../../src/offline/duckdb/slice-scan.ts';
import { EVENT_TIME } from '../../src/offline/offline-columns.ts';
import { onlineTableOf } from '../../src/online/online-table.ts';
import { follow, startBackfill, startMaterialize } from '../../src/orchestrate/runs.ts';
import type { RunningWorker } from '../../src/orchestrate/worker.ts';
import type { SegmentPushLog } from '../../src/push/segments/segment-push-log.ts';
import { appliedBatchView, appliedManifest } from '../../src/registry/applied-manifest.ts';
import { testEngine } from '../support/feature-repo.ts';
import { appliedProject, type TestProject } from '../support/project.ts';

/**
 * With each hour that ends another interval falls due, of which the counts below do not know. This delay has the hours
 * end half an hour from now.
 */
const DELAY = `${(new Date().getUTCMinutes() + 30) % 60}m`;

const definitions = `
export const thisProject = project({ name: '<project>' });
export const user = entity({ name: 'user', joinKeys: { user_id: 'int64' } });
export const clicks = pushSource({
  name: 'clicks', timestampField: 'at', columns: { user_id: 'int64', page: 'string' },
});
const common = {
  version: 1, entities: [user], source: clicks, schedule: '0 * * * *', startTime: '<start>', dataDelay: '${DELAY}',
};
export const lastPage = batchFeatureView({ ...common, name: 'last_page', features: { page: 'string' } });
export const recent = batchFeatureView({ ...common, name: 'recent', aggregations: { clicks: count('2h') } });
export const shared = batchFeatureView({ ...common, name: 'shared', features: { page: 'string' } });
`;

const HOUR = 3_600_000_000n;

let project: TestProject;
let worker: RunningWorker;
let log: SegmentPushLog;
let start: bigint;

beforeAll(async () => {
  project = await appliedProject({ definitions, data: {}, days: 2 });
  worker = await runWorkerHere(project);
  const { platform, name } = project;
  const manifest = await appliedManifest(await platform.registry(), name);
  log = await platform.pushLog({
    sourceOf: async (_project, source) => {
      const found = manifest.sources.find((each) => each.name === source);
      if (found?.kind !== 'push') throw new Error(`no push source ${source}`);
      return found;
    },
    log: () => {},
  });
  start = timeOf((await viewOf('last_page')).startTime);
}, 90_000);

afterAll(() => worker.stop());

const viewOf = async (view: string) =>
  appliedBatchView(await project.platform.registry(), { project: project.name, view, version: 1 });

/** Clicks of users, at hours after the start, as a file that views may read. */
async function receive(...clicks: readonly (readonly [user: number, hours: number, page: string])[]) {
  const rows = clicks.map(([user, hours, page]) => ({
    eventTime: micros(start + BigInt(Math.round(hours * 3600)) * 1_000_000n),
    createdTime: null,
    columns: { user_id: BigInt(user), page },
  }));
  await log.append({ project: project.name, source: 'clicks', receivedAt: project.platform.clock(), rows });
  await log.seal();
}

/** What a tick of the view's schedule does. */
async function tick(view: string) {
  const { client } = await project.platform.temporal();
  const totals = await follow(
    await startMaterialize(client, { project: project.name, view, version: 1 }),
    () => {},
  );
  expect(totals.failed).toEqual([]);
  return totals;
}

async function pages(view = 'last_page'): Promise<Readonly<Record<string, unknown>>> {
  const online = await project.platform.online();
  const found: Record<string, unknown> = {};
  for await (const rows of online.scan(onlineTableOf(project.name, await viewOf(view))))
    for (const { key, values } of rows) found[String(key[0])] = values[0];
  return found;
}

async function fileRanges(view: string): Promise<readonly string[]> {
  const files = await (await project.platform.ledger()).files({ project: project.name, view, version: 1 });
  const hours = ({ start: from, end }: Interval) => `${(from - start) / HOUR}-${(end - start) / HOUR}`;
  return files.map(({ range, revision }) => `${hours(range)} r${revision}`);
}

test('rows that come late re-open the intervals they belong to, and no others, at the next tick', async () => {
  await receive([1, 2.5, 'home'], [2, 30, 'cart'], [1, 2.5, 'home']);
  await tick('last_page');
  await tick('recent');
  expect(await pages()).toEqual({ 1: 'home', 2: 'cart' });
  expect((await tick('last_page')).intervals).toBe(0);
  const [before = ''] = await fileRanges('last_page');
  expect(before).toMatch(/^0-\d+ r0$/);

  await receive([1, 5.5, 'help'], [2, 29.5, 'help']);
  expect(await pages()).toEqual({ 1: 'home', 2: 'cart' });
  expect((await tick('last_page')).intervals).toBe(2);
  // User 2 has a later click already.
  expect(await pages()).toEqual({ 1: 'help', 2: 'cart' });
  const ranges = await fileRanges('last_page');
  expect(ranges.filter((range) => range.endsWith(' r1'))).toEqual(['5-6 r1', '29-30 r1']);
  // A window of two hours holds an event for two intervals, and is empty in the third.
  expect((await tick('recent')).intervals).toBe(6);

  expect((await tick('last_page')).intervals).toBe(0);
  expect((await tick('recent')).intervals).toBe(0);
});

test('a push that was repeated after its interval was committed is looked at once, and changes nothing', async () => {
  const rows = async () => {
    const ledger = await project.platform.ledger();
    const files = await ledger.files({ project: project.name, view: 'recent', version: 1 });
    const { withConnection } = await testEngine();
    return withConnection(async (connection) => {
      const scan = sliceScanSql(files, project.platform.config.offline);
      const result = await connection.runAndReadAll(
        `SELECT user_id, ${EVENT_TIME}, clicks FROM ${scan} ORDER BY ALL`,
      );
      return result.getRowsJson();
    });
  };
  const before = await rows();
  await receive([1, 2.5, 'home']);
  expect((await tick('last_page')).intervals).toBe(1);
  expect((await tick('last_page')).intervals).toBe(0);
  expect((await tick('recent')).intervals).toBe(3);
  expect(await pages()).toEqual({ 1: 'help', 2: 'cart' });
  expect(await rows()).toEqual(before);
  expect(before).toHaveLength(10);
});

test('a backfill of a part of the time restates what is late in it', async () => {
  const { client } = await project.platform.temporal();
  await receive([3, 10.5, 'home'], [3, 20.5, 'help']);
  const target = { project: project.name, view: 'last_page', version: 1 };
  const range = { start: iso(8), end: iso(12) };
  const run = await follow(await startBackfill(client, { ...target, range }), () => {});
  expect(run.intervals).toBe(1);
  expect((await pages())['3']).toBe('home');
  await tick('last_page');
  expect((await pages())['3']).toBe('help');
});

test.each([
  ['all', 12, 5],
  ['a part', 16, 6],
])(
  'rows that came before a run was started are in it, also when %s of its range was being computed without them',
  async (_, end, user) => {
    const { client } = await project.platform.temporal();
    const ledger = await project.platform.ledger();
    const { fingerprint } = await viewOf('shared');
    const target = { project: project.name, view: 'shared', version: 1 };
    const begin = end - 4;
    const range = { start: hourAfter(begin), end: hourAfter(end === 12 ? end : end - 1) };
    const lease = { owner: 'another', runId: 'another', leaseFor: durationOf('1m') };
    const now = project.platform.clock();
    const claim = await ledger.claim({ version: target, fingerprint, range, restate: false, now, ...lease });
    if (claim.kind !== 'granted') throw new Error(`not granted but ${claim.kind}`);
    await receive([user, begin + 0.5, 'home']);

    const run = await startBackfill(client, { ...target, range: { start: iso(begin), end: iso(end) } });
    await expect.poll(async () => (await run.progress())?.state, { timeout: 30_000 }).toBe('running');
    await ledger.stage(claim.lease, { effectKey: `of-another-${end}`, inputDigest: 'before', file: null });
    await ledger.commit(claim.lease, now);
    await follow(run, () => {});
    expect((await pages('shared'))[user]).toBe('home');
  },
  60_000,
);

const hourAfter = (hours: number) => micros(start + BigInt(hours) * HOUR);

const iso = (hours: number) => new Date(Number(hourAfter(hours) / 1000n)).toISOString();
