import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { runWorkerHere } from '../../src/cli/worker-here.ts';
import { compose } from '../../src/compose.ts';
import type { FeatureRow } from '../../src/core/rows.ts';
import { formatTime, micros, timeOf } from '../../src/core/time.ts';
import type { Coverage } from '../../src/ledger/ledger.ts';
import { onlineTableOf } from '../../src/online/online-table.ts';
import type { BackfillInput, TimeRange, WorkTotals } from '../../src/orchestrate/contracts.ts';
import { materializeId } from '../../src/orchestrate/ids.ts';
import { commandRun, startBackfill, startMaterialize, type WorkRun } from '../../src/orchestrate/runs.ts';
import type { RunningWorker } from '../../src/orchestrate/worker.ts';
import { appliedBatchView } from '../../src/registry/applied-manifest.ts';
import { writeRows } from '../support/feature-repo.ts';
import { firedRuns } from '../support/fired-runs.ts';
import { appliedProject, type TestProject } from '../support/project.ts';

/** Minutes of six days: five chunks. */
const DAYS = 6;
const CHUNKS = 5;

/** A view of minutes; a query over one chunk counts up to `work` three times. */
const counting = (name: string, work: number) => `
export const ${name} = batchFeatureView({
  name: '${name}', version: 1, entities: [user], sources: [orders], timestampField: 'at',
  schedule: '* * * * *', startTime: '<start>', paused: true,
  sql: \`SELECT user_id, orders.at, amount, (SELECT count(*) FROM range(${work}) t(x) WHERE x % 7 = 3) AS counted
    FROM orders WHERE orders.at >= $interval_start AND orders.at < $interval_end\`,
  features: { amount: 'float64', counted: 'int64' },
});`;

const DEFINITIONS = `
export const thisProject = project({ name: '<project>' });
export const user = entity({ name: 'user', joinKeys: { user_id: 'int64' } });
export const orders = parquetSource({ name: 'orders', path: 'orders/*.parquet', timestampField: 'at' });
export const spend = batchFeatureView({
  name: 'spend', version: 1, entities: [user], source: orders,
  schedule: '0 * * * *', startTime: '<start>', paused: true,
  aggregations: { spend_1d: sum('amount', '1d'), orders_1d: count('1d') },
});
export const checked = batchFeatureView({
  name: 'checked', version: 1, entities: [user], source: orders,
  schedule: '0 0 * * *', startTime: '<start>', paused: true,
  features: { amount: 'float64' }, quality: [maxNullShare('amount', 0.01)],
});
${['paused', 'cancelled', 'stopped', 'shared'].map((name) => counting(name, 20_000_000)).join('')}
${counting('endless', 20_000_000_000)}`;

const ORDERS = (amount: string) => `
  SELECT (i * 7) % 5 AS user_id, TIMESTAMP '<start>' + INTERVAL (i * 401) SECOND AS at, ${amount} AS amount
  FROM range(2150) t(i)`;
const AMOUNT = 'CASE WHEN i % 11 = 0 THEN NULL ELSE (i * 37 % 1000) / 10.0 END';

let project: TestProject;
let worker: RunningWorker;
let start: string;
let whole: TimeRange;

beforeAll(async () => {
  project = await appliedProject({
    definitions: DEFINITIONS,
    data: { 'orders/orders.parquet': ORDERS(AMOUNT) },
    days: DAYS,
  });
  worker = await runWorkerHere(project);
  start = (await viewOf('spend')).startTime;
  whole = days(0, DAYS);
});

afterAll(() => worker?.stop());

const target = (view: string) => ({ project: project.name, view, version: 1 });
const client = async () => (await project.platform.temporal()).client;
const coverage = async (view: string) => (await project.platform.ledger()).coverage(target(view));
const files = async (view: string) => (await project.platform.ledger()).files(target(view));
const viewOf = async (view: string) =>
  await appliedBatchView(await project.platform.registry(), target(view));

/** Days counted from the view's start. */
function days(from: number, to: number): TimeRange {
  const at = (day: number) =>
    formatTime(micros(timeOf(start) + BigInt(Math.round(day * 1440)) * 60_000_000n));
  return { start: at(from), end: at(to) };
}

const rangesOf = (parts: Coverage['committed']) =>
  parts.map((part) => ({ start: formatTime(part.start), end: formatTime(part.end) }));

async function backfill(view: string, more: Partial<BackfillInput> = {}): Promise<WorkRun> {
  return await startBackfill(await client(), { ...target(view), range: whole, ...more });
}

async function progressOf(run: WorkRun) {
  for (;;) {
    const progress = await run.progress();
    if (progress !== undefined) return progress;
    await sleep(50);
  }
}

async function online(view: string): Promise<readonly FeatureRow[]> {
  const rows: FeatureRow[] = [];
  const table = onlineTableOf(project.name, await viewOf(view));
  for await (const batch of (await project.platform.online()).scan(table)) rows.push(...batch);
  return rows.toSorted((a, b) => Number(a.key[0]) - Number(b.key[0]));
}

describe('a running backfill', () => {
  test('begins with the end it is told, stands still while paused, and takes several chunks at once when told', {
    timeout: 180_000,
  }, async () => {
    const run = await backfill('paused', { order: 'newest', paused: true });
    await expect.poll(async () => (await progressOf(run)).chunksPlanned, { timeout: 30_000 }).toBe(CHUNKS);
    expect(await progressOf(run)).toMatchObject({ state: 'paused', chunksDone: 0, running: [] });

    await commandRun(await client(), run.id, 'resume');
    const done = async () => (await progressOf(run)).chunksDone;
    await expect.poll(done, { timeout: 120_000 }).toBeGreaterThan(0);
    await commandRun(await client(), run.id, 'pause');
    await expect.poll(async () => (await progressOf(run)).running, { timeout: 30_000 }).toEqual([]);
    const before = await done();
    await sleep(1_000);
    expect(await progressOf(run)).toMatchObject({ state: 'paused', chunksDone: before, running: [] });
    expect(before).toBeLessThan(CHUNKS - 1);
    const [committed] = rangesOf((await coverage('paused')).committed);
    expect(committed?.end).toBe(whole.end);

    await (await client()).workflow.getHandle(run.id).signal('setConcurrency', 3);
    await commandRun(await client(), run.id, 'resume');
    await expect
      .poll(async () => (await progressOf(run)).running.length, { timeout: 30_000, interval: 20 })
      .toBeGreaterThan(1);
    expect(await run.result()).toMatchObject({ chunksDone: CHUNKS, intervals: DAYS * 1440, failed: [] });
    expect(rangesOf((await coverage('paused')).committed)).toEqual([whole]);
  });

  test('can be cancelled: what is committed stays, nothing keeps a lease, and the next one does the rest', {
    timeout: 180_000,
  }, async () => {
    const run = await backfill('cancelled', { concurrency: 2 });
    await expect
      .poll(async () => (await coverage('cancelled')).committed.length, { timeout: 120_000, interval: 20 })
      .toBeGreaterThan(0);
    await commandRun(await client(), run.id, 'cancel');
    await expect(run.result()).rejects.toMatchObject({ code: 'CANCELLED' });
    expect((await coverage('cancelled')).running).toEqual([]);
    const kept = await files('cancelled');
    expect(kept.length).toBeGreaterThan(0);
    expect(kept.length).toBeLessThan(CHUNKS);

    const next = await backfill('cancelled', { concurrency: 2 });
    expect(await next.result()).toMatchObject({ chunksDone: CHUNKS - kept.length, failed: [] });
    expect(rangesOf((await coverage('cancelled')).committed)).toEqual([whole]);
    expect((await files('cancelled')).map(({ path }) => path)).toEqual(
      expect.arrayContaining(kept.map(({ path }) => path)),
    );
  });

  test('that is cancelled does not wait for its query', { timeout: 180_000 }, async () => {
    const run = await backfill('endless', { range: days(0, 1) });
    await expect
      .poll(async () => (await coverage('endless')).running.length, { timeout: 120_000 })
      .toBeGreaterThan(0);
    await sleep(500);
    const asked = performance.now();
    await commandRun(await client(), run.id, 'cancel');
    await expect(run.result()).rejects.toMatchObject({ code: 'CANCELLED' });
    expect(performance.now() - asked).toBeLessThan(8_000);
    expect(await coverage('endless')).toMatchObject({ running: [], committed: [] });
  });

  test('is taken over at once when its worker is stopped in the middle', { timeout: 180_000 }, async () => {
    const run = await backfill('stopped', { concurrency: 2 });
    await expect
      .poll(async () => (await coverage('stopped')).running.length, { timeout: 120_000, interval: 20 })
      .toBe(2);
    await worker.stop();
    expect((await coverage('stopped')).running).toEqual([]);
    worker = await runWorkerHere(project);
    // Neither a lease (15 s) nor a heartbeat (10 s) has to run out.
    await expect
      .poll(async () => (await coverage('stopped')).running.length, { timeout: 8_000, interval: 20 })
      .toBeGreaterThan(0);
    expect(await run.result()).toMatchObject({ chunksDone: CHUNKS, failed: [] });
    expect(rangesOf((await coverage('stopped')).committed)).toEqual([whole]);
  });
});

describe('runs that overlap', () => {
  test('on several workers do the work once', { timeout: 240_000 }, async () => {
    const others = [1, 2].map(() => {
      const { config, addresses } = project.platform;
      return compose({ config, addresses, baseDir: project.repo.dir });
    });
    const workers = await Promise.all(others.map((platform) => runWorkerHere({ ...project, platform })));
    const schedule = (await client()).schedule.getHandle(materializeId(target('shared')));
    try {
      const resultOf = async (run: Promise<WorkRun>) => (await run).result();
      const [fired, ...byHand] = await Promise.all([
        firedRuns<WorkTotals>(await client(), schedule, () => schedule.trigger()),
        resultOf(backfill('shared', { concurrency: 2 })),
        resultOf(backfill('shared', { concurrency: 2, order: 'newest' })),
        resultOf(backfill('shared', { range: days(0.3, 3.7) })),
        resultOf(startMaterialize(await client(), target('shared'))),
      ]);
      const results = [...fired.map(({ result }) => result), ...byHand];
      expect(results.flatMap(({ failed }) => failed)).toEqual([]);
      const listed = await files('shared');
      const sum = (rows: readonly { readonly rows: number }[]) => rows.reduce((n, { rows }) => n + rows, 0);
      expect(sum(results)).toBe(sum(listed));
      expect(listed.every(({ revision }) => revision === 0)).toBe(true);
      const state = await coverage('shared');
      expect(state).toMatchObject({ running: [], failed: [] });
      expect(state.committed).toHaveLength(1);
      expect(rangesOf(state.committed)[0]?.start).toBe(whole.start);
    } finally {
      await Promise.all(workers.map((other) => other.stop()));
      await Promise.all(others.map((other) => other.close()));
    }
  });
});

describe('a restatement', () => {
  test('of changed source data replaces files and online values under a greater revision', async () => {
    await (await backfill('spend')).result();
    const [before, onlineBefore] = [await files('spend'), await online('spend')];
    expect(before.map(({ revision }) => revision)).toEqual([0]);
    await writeRows(
      join(project.repo.dir, 'orders/orders.parquet'),
      ORDERS(`2 * (${AMOUNT})`).replaceAll('<start>', start),
    );
    expect(await (await backfill('spend', { restate: true })).result()).toMatchObject({ failed: [] });

    const [after, onlineAfter] = [await files('spend'), await online('spend')];
    expect(after).toMatchObject([{ revision: 1, range: before[0]?.range, rows: before[0]?.rows }]);
    expect(after[0]?.path).not.toBe(before[0]?.path);
    // Training sets and readers that began with the old file can end with it.
    expect(existsSync(join(project.platform.config.offline, before[0]?.path ?? 'none'))).toBe(true);
    expect(onlineAfter).toHaveLength(5);
    expect(onlineAfter.map(({ revision }) => revision)).toEqual([1, 1, 1, 1, 1]);
    expect(onlineAfter.map(({ values }) => values[1])).toEqual(
      onlineBefore.map(({ values }) => 2 * Number(values[1])),
    );
  });

  test('of a part leaves the rest of the old file in service', async () => {
    const [before] = await files('spend');
    await writeRows(
      join(project.repo.dir, 'orders/orders.parquet'),
      ORDERS(AMOUNT).replaceAll('<start>', start),
    );
    await (await backfill('spend', { range: days(2, 3), restate: true })).result();
    const after = await files('spend');
    expect(rangesOf(after.map(({ range }) => range))).toEqual([days(0, 2), days(2, 3), days(3, DAYS)]);
    expect(after.map(({ path }) => path === before?.path)).toEqual([true, false, true]);
    expect(after.map(({ revision }) => revision)).toEqual([1, 2, 1]);
  });
});

describe('a quality rule that does not hold', () => {
  const decide = async (run: WorkRun, decision: 'approve' | 'reject') =>
    (await client()).workflow
      .getHandle(run.id)
      .executeUpdate(decision, { args: [{ by: 'owner@example.com' }] });
  const waits = async (run: WorkRun) => {
    await expect
      .poll(async () => (await progressOf(run)).state, { timeout: 30_000 })
      .toBe('waiting for a decision');
    return await progressOf(run);
  };
  const reason = expect.stringMatching(/^amount is null in [89]\.\d % of rows, at most 1\.0 % expected$/);

  test('makes the run wait; approved, the rows are published and committed', async () => {
    const range = days(0, 1);
    const run = await startMaterialize(await client(), { ...target('checked'), range });
    expect(await waits(run)).toMatchObject({ held: [{ ...range, reason }], failed: [] });
    expect(await coverage('checked')).toMatchObject({ committed: [], running: [] });
    expect(await online('checked')).toEqual([]);

    expect(await decide(run, 'approve')).toEqual([range]);
    const totals = await run.result();
    expect(totals).toMatchObject({ held: [], failed: [] });
    expect(totals.rows).toBeGreaterThan(200);
    expect(rangesOf((await coverage('checked')).committed)).toEqual([range]);
    expect(await online('checked')).toHaveLength(5);
  });

  test('makes the run wait; rejected, the range is missing again', async () => {
    const range = days(1, 2);
    const run = await startMaterialize(await client(), { ...target('checked'), range });
    await waits(run);
    expect(await decide(run, 'reject')).toEqual([range]);
    expect(await run.result()).toMatchObject({ held: [], rows: 0 });
    const state = await coverage('checked');
    expect(state).toMatchObject({ held: [], approved: [], running: [] });
    expect(rangesOf(state.committed)).toEqual([days(0, 1)]);
    expect(state.failed).toMatchObject([
      { error: expect.stringContaining('rejected by owner@example.com: amount') },
    ]);
  });

  test('is told by a backfill, and what it held waits for the next run and its decision', async () => {
    const range = days(2, 3);
    const totals = await (await backfill('checked', { range })).result();
    expect(totals).toMatchObject({ held: [{ ...range, reason }], rows: 0 });

    const run = await startMaterialize(await client(), { ...target('checked'), range });
    expect(await waits(run)).toMatchObject({ held: [{ ...range, reason }] });
    await decide(run, 'approve');
    expect((await run.result()).rows).toBeGreaterThan(200);
    expect(rangesOf((await coverage('checked')).committed)).toEqual([days(0, 1), range]);
  });
});
