import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { runWorkerHere } from '../../src/cli/worker-here.ts';
import type { BatchViewSpec } from '../../src/core/feature-view.ts';
import { formatTime, timeOf } from '../../src/core/time.ts';
import { watermarkOf } from '../../src/ledger/watermark.ts';
import { dueRange, firstTick } from '../../src/materialize/due-range.ts';
import { onlineTableOf } from '../../src/online/online-table.ts';
import type { WorkTotals } from '../../src/orchestrate/contracts.ts';
import { materializeId } from '../../src/orchestrate/ids.ts';
import { commandRun, follow, startBackfill, startMaterialize } from '../../src/orchestrate/runs.ts';
import type { RunningWorker } from '../../src/orchestrate/worker.ts';
import { appliedBatchView } from '../../src/registry/applied-manifest.ts';
import { firedRuns } from '../support/fired-runs.ts';
import { appliedProject, type TestProject } from '../support/project.ts';
import { shop } from '../support/shop.ts';

let project: TestProject;
let worker: RunningWorker;
let view: BatchViewSpec;

beforeAll(async () => {
  project = await appliedProject(shop('0 * * * *'));
  worker = await runWorkerHere(project);
  view = await appliedBatchView(await project.platform.registry(), target());
});

afterAll(() => worker.stop());

const target = () => ({ project: project.name, view: 'spend', version: 1 });

async function watermark() {
  const ledger = await project.platform.ledger();
  return watermarkOf(firstTick(view), await ledger.coverage(target()));
}

describe('materialize', () => {
  test('a backfill computes every interval that is due, and a second one finds nothing to do', async () => {
    const { client } = await project.platform.temporal();
    const due = dueRange(view, project.platform.clock());
    const run = await startBackfill(client, target());
    const totals = await follow(run, () => {});
    expect(totals.failed).toEqual([]);
    expect(totals.intervals).toBeGreaterThanOrEqual(239);
    expect(totals.rows).toBeGreaterThan(1000);
    expect(await watermark()).toBeGreaterThanOrEqual(due?.end ?? 0n);

    // Up to the same end: an hour that ends meanwhile is another interval.
    const range = { start: view.startTime, end: formatTime(due?.end ?? timeOf(view.startTime)) };
    const again = await follow(await startBackfill(client, { ...target(), range }), () => {});
    expect(again.intervals).toBe(0);
  });

  test('the online store holds the newest row of each entity', async () => {
    const online = await project.platform.online();
    const rows = [];
    for await (const batch of online.scan(onlineTableOf(project.name, view))) rows.push(...batch);
    expect(rows.map((row) => row.key[0]).toSorted()).toEqual([0n, 1n, 2n, 3n, 4n]);
    const newest = await watermark();
    for (const row of rows) expect(row.eventTime).toBeLessThanOrEqual(newest);
  });

  test('a restatement of unchanged input leaves files and online rows as they are', async () => {
    const { client } = await project.platform.temporal();
    const ledger = await project.platform.ledger();
    const before = await ledger.files(target());
    const [file] = before;
    if (file === undefined) throw new Error('no file');
    const range = {
      start: new Date(Number(file.range.start / 1000n)).toISOString(),
      end: new Date(Number(file.range.end / 1000n)).toISOString(),
    };
    const totals = await follow(await startBackfill(client, { ...target(), range, restate: true }), () => {});
    expect(totals.failed).toEqual([]);
    expect(
      (await ledger.files(target())).map(({ digest, path, revision }) => ({ digest, path, revision })),
    ).toEqual(before.map(({ digest, path, revision }) => ({ digest, path, revision })));
  });

  test('the schedule that apply made runs by itself when it is triggered', async () => {
    const { client } = await project.platform.temporal();
    const schedule = client.schedule.getHandle(materializeId(target()));
    const described = await schedule.describe();
    expect(described.policies.overlap).toBe('BUFFER_ONE');
    const [run] = await firedRuns<WorkTotals>(client, schedule, () => schedule.trigger());
    expect(run?.result).toMatchObject({ failed: [], held: [] });
  });

  test('a run by hand returns what it did', async () => {
    const { client } = await project.platform.temporal();
    const totals = await follow(await startMaterialize(client, target()), () => {});
    expect(totals).toMatchObject({ failed: [], held: [] });
  });

  test('a view that is not in the registry is one clear error', async () => {
    const { client } = await project.platform.temporal();
    const run = await startBackfill(client, { ...target(), version: 7 });
    await expect(run.result()).rejects.toMatchObject({
      code: 'UNKNOWN_VIEW',
      message: expect.stringContaining('the registry has versions 1'),
    });
  });

  test('telling a run that does not exist is one clear error', async () => {
    const { client } = await project.platform.temporal();
    await expect(commandRun(client, 'backfill/none', 'pause')).rejects.toMatchObject({ code: 'UNKNOWN_RUN' });
  });
});
