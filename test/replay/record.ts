import { writeFile } from 'node:fs/promises';
import { homedir, hostname } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Client, ScheduleHandle } from '@temporalio/client';
import { expect } from 'vitest';
import { runWorkerHere } from '../../src/cli/worker-here.ts';
import type { MigrateProgress, WorkProgress } from '../../src/orchestrate/contracts.ts';
import { migrateId, monitorId, taskQueueOf, trainingSetScheduleId } from '../../src/orchestrate/ids.ts';
import { findRun, startBackfill, startMaterialize, startRun, tellRun } from '../../src/orchestrate/runs.ts';
import { appliedBatchView } from '../../src/registry/applied-manifest.ts';
import { appliedProject } from '../support/project.ts';
import { historyToJson } from './history-json.ts';
import { scrubHistory } from './scrub-history.ts';

/**
 * Records a history of every workflow type from real runs, for the version in package.json. Do this when a version
 * is released, or when a workflow type is new, and keep the files of earlier versions for as long as their runs may
 * still be open:
 *
 *     TIDEMARK_RECORD=1 npx vitest run test/replay
 *     TIDEMARK_RECORD=scheduled-training-set npx vitest run test/replay
 *
 * The second records that one only. An existing file is overwritten: a failing replay is mended by `patched` in the workflow, not by recording anew.
 */
export async function recordHistories(folder: string, version: string, which: string): Promise<void> {
  const project = await appliedProject({
    definitions: DEFINITIONS,
    data: { 'orders/orders.parquet': ORDERS },
    days: 4,
  });
  const { client } = await project.platform.temporal();
  const worker = await runWorkerHere(project);
  const replaced = new Map([
    [project.name, 'shop'],
    [project.repo.dir, '/feature_repo'],
    [project.home, '/home'],
    [`${hostname()}:`, 'host:'],
    [homedir(), '/home'],
  ]);
  try {
    for (const scenario of SCENARIOS) {
      if (which !== '1' && which !== scenario.name) continue;
      const id = await scenario.run({ client, project: project.name, start: await startOf() });
      const history = await client.workflow.getHandle(id).fetchHistory();
      const scrubbed = scrubHistory(historyToJson(history), replaced);
      await writeFile(
        join(folder, `${scenario.name}.v${version}.json`),
        `${JSON.stringify(scrubbed, null, 1)}\n`,
      );
    }
  } finally {
    await worker.stop();
  }

  async function startOf(): Promise<string> {
    const version = { project: project.name, view: 'spend', version: 1 };
    return (await appliedBatchView(await project.platform.registry(), version)).startTime;
  }
}

const DEFINITIONS = `
export const thisProject = project({ name: '<project>' });
export const user = entity({ name: 'user', joinKeys: { user_id: 'int64' } });
export const orders = parquetSource({ name: 'orders', path: 'orders/*.parquet', timestampField: 'at' });
const view = { entities: [user], source: orders, schedule: '* * * * *', startTime: '<start>', paused: true } as const;
export const spend = batchFeatureView({
  ...view, name: 'spend', version: 1, aggregations: { spend_1d: sum('amount', '1d') },
});
export const spend2 = batchFeatureView({
  ...view, name: 'spend', version: 2, aggregations: { spend_1d: sum('amount', '1d'), orders_1d: count('1d') },
});
export const daily = trainingSetSchedule({
  name: 'daily', schedule: '* * * * *', dataDelay: '1s', paused: true, statistics: false, features: [spend],
  spine: { query: 'SELECT user_id, orders.at AS seen_at FROM orders', timestampField: 'seen_at' },
});
export const checked = batchFeatureView({
  ...view, name: 'checked', version: 1, features: { amount: 'float64' }, quality: [maxNullShare('amount', 0.01)],
});
`;

const ORDERS = `
  SELECT (i * 7) % 5 AS user_id, TIMESTAMP '<start>' + INTERVAL (i * 401) SECOND AS at,
    CASE WHEN i % 11 = 0 THEN NULL ELSE i / 10.0 END AS amount
  FROM range(900) t(i)`;

interface Shop {
  readonly client: Client;
  readonly project: string;
  readonly start: string;
}

interface Scenario {
  readonly name: string;
  /** Runs a workflow to its end and returns its id. */
  readonly run: (shop: Shop) => Promise<string>;
}

const BY = 'owner@example.com';

const SCENARIOS: readonly Scenario[] = [
  {
    // Waits for its data delay, is held by a quality rule, and is approved.
    name: 'materialize',
    async run({ client, project, start }) {
      const range = { start, end: days(start, 1) };
      const target = { project, view: 'checked', version: 1 };
      const run = await startMaterialize(client, { ...target, range, waitMillis: 100 });
      const handle = client.workflow.getHandle(run.id);
      await reaches<WorkProgress>(run, 'waiting for a decision');
      await handle.executeUpdate('approve', { args: [{ by: BY }] });
      await run.result();
      return run.id;
    },
  },
  {
    // Starts paused, runs two chunks at once, and is paused again.
    name: 'backfill',
    async run({ client, project, start }) {
      const range = { start, end: days(start, 4) };
      const run = await startBackfill(client, { project, view: 'spend', version: 1, range, paused: true });
      const handle = client.workflow.getHandle(run.id);
      await reaches<WorkProgress>(run, 'paused');
      await handle.signal('setConcurrency', 2);
      await handle.signal('resume');
      await sleep(30);
      await handle.signal('pause');
      await sleep(500);
      await handle.signal('resume');
      await run.result();
      return run.id;
    },
  },
  {
    name: 'migrate',
    async run({ client, project }) {
      const id = migrateId(project, 'spend', 1, 2);
      const input = { project, view: 'spend', from: 1, to: 2 };
      const run = await startRun<typeof input, MigrateProgress, MigrateProgress>(
        client,
        'migrate',
        id,
        project,
        input,
      );
      await reaches(run, 'waiting for approval');
      await tellRun(client, id, 'approve', BY);
      await reaches(run, 'soaking');
      await tellRun(client, id, 'retire', BY);
      await run.result();
      return id;
    },
  },
  {
    // Goes back to the old version after the cut-over.
    name: 'migrate-aborted',
    async run({ client, project }) {
      const id = migrateId(project, 'spend', 2, 1);
      const input = { project, view: 'spend', from: 2, to: 1 };
      const run = await startRun<typeof input, MigrateProgress, MigrateProgress>(
        client,
        'migrate',
        id,
        project,
        input,
      );
      await reaches(run, 'waiting for approval');
      await tellRun(client, id, 'approve', BY);
      await reaches(run, 'soaking');
      await tellRun(client, id, 'abort', BY);
      await run.result();
      return id;
    },
  },
  {
    name: 'monitor',
    async run({ client, project }) {
      const workflowId = `${monitorId(project)}/recorded`;
      await client.workflow.execute('monitor', {
        workflowId,
        taskQueue: taskQueueOf(project),
        args: [{ project }],
      });
      return workflowId;
    },
  },
  {
    name: 'training-set',
    async run({ client, project }) {
      const id = `training-set/${project}`;
      const request = {
        project,
        spine: {
          kind: 'query',
          query: 'SELECT user_id, orders.at AS seen_at FROM orders',
          timestampField: 'seen_at',
        },
        features: { kind: 'references', references: ['spend@v1:*'] },
        knownAt: 'any',
        fullNames: false,
      };
      await (await startRun(client, 'trainingSet', id, project, request)).result();
      return id;
    },
  },
  {
    // Started by its schedule, waits for its data delay, and builds in a workflow of its own.
    name: 'scheduled-training-set',
    async run({ client, project }) {
      const id = await fired(client.schedule.getHandle(trainingSetScheduleId(project, 'daily')));
      await findRun(client, id).result();
      return id;
    },
  },
];

/** Has a schedule fire, and returns the workflow that it started. */
async function fired(schedule: ScheduleHandle): Promise<string> {
  await schedule.trigger();
  const started = async () => {
    const [action] = (await schedule.describe()).info.recentActions;
    return action?.action.workflow.workflowId;
  };
  await expect.poll(started, { timeout: 30_000 }).toBeDefined();
  return (await started()) ?? '';
}

async function reaches<Progress extends { readonly state: string }>(
  run: { progress(): Promise<Progress | undefined> },
  state: Progress['state'],
): Promise<void> {
  await expect.poll(async () => (await run.progress())?.state, { timeout: 30_000 }).toBe(state);
}

function days(start: string, count: number): string {
  return new Date(Date.parse(start) + count * 86_400_000).toISOString();
}
