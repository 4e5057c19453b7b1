import { fileURLToPath } from 'node:url';
import { Client, Connection } from '@temporalio/client';
import { DefaultLogger, NativeConnection, Runtime, Worker } from '@temporalio/worker';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createMonitorActivities } from '../../activities/monitor-activities.ts';
import { emptyManifest } from '../../src/core/manifest.ts';
import type { Micros } from '../../src/core/time.ts';
import { ledgerMigrations } from '../../src/ledger/postgres/migrations.ts';
import { createPostgresLedger } from '../../src/ledger/postgres/postgres-ledger.ts';
import { monitorMigrations } from '../../src/monitor/postgres/migrations.ts';
import { createPostgresAlertStore } from '../../src/monitor/postgres/postgres-alert-store.ts';
import { createPostgresStreamProgress } from '../../src/monitor/postgres/postgres-stream-progress.ts';
import { createLogSink } from '../../src/monitor/sinks/log-sink.ts';
import { monitorId, taskQueueOf } from '../../src/orchestrate/ids.ts';
import { createSchedules } from '../../src/orchestrate/schedules.ts';
import { pushMigrations } from '../../src/push/postgres/migrations.ts';
import { createPostgresUnreadableSegments } from '../../src/push/postgres/postgres-unreadable-segments.ts';
import { migrate } from '../../src/registry/postgres/migrate.ts';
import { registryMigrations } from '../../src/registry/postgres/migrations.ts';
import { connectPostgres, type PostgresPool } from '../../src/registry/postgres/pool.ts';
import { createPostgresRegistry } from '../../src/registry/postgres/postgres-registry.ts';
import { firedRuns } from '../support/fired-runs.ts';
import { january, monitoredView } from '../support/monitored-view.ts';
import { services, testDatabase, uniqueName } from '../support/services.ts';

const WORKFLOWS = fileURLToPath(new URL('../../workflows/index.ts', import.meta.url));
const project = uniqueName('shop');
const lines: string[] = [];
let now: Micros = january('01T12:00');
let pool: PostgresPool;
let connection: Connection;
let client: Client;
let worker: Worker;
let native: NativeConnection;
let running: Promise<void>;

beforeAll(async () => {
  Runtime.install({ logger: new DefaultLogger('ERROR') });
  pool = connectPostgres(await testDatabase('monitor'), { maxConnections: 4 });
  await migrate(pool, [registryMigrations, ledgerMigrations, monitorMigrations, pushMigrations]);
  const address = services().temporalAddress;
  connection = await Connection.connect({ address });
  client = new Client({ connection });
  native = await NativeConnection.connect({ address });
  worker = await Worker.create({
    connection: native,
    taskQueue: taskQueueOf(project),
    workflowsPath: WORKFLOWS,
    activities: createMonitorActivities({
      registry: createPostgresRegistry(pool),
      ledger: createPostgresLedger(pool),
      alerts: createPostgresAlertStore(pool),
      streams: createPostgresStreamProgress(pool),
      unreadable: createPostgresUnreadableSegments(pool),
      sinks: [createLogSink({ log: (line) => lines.push(line) })],
      clock: () => now,
    }),
  });
  running = worker.run();
}, 120_000);

afterAll(async () => {
  if (worker?.getState() === 'RUNNING') worker.shutdown();
  await running;
  await Promise.all([connection?.close(), native?.close(), pool?.end()]);
});

function look() {
  return client.workflow.execute('monitor', {
    workflowId: monitorId(project),
    taskQueue: taskQueueOf(project),
    args: [{ project }],
  });
}

test('a look at a project that was never applied fails at once and says why', async () => {
  await expect(look()).rejects.toMatchObject({
    cause: { cause: { type: 'UNKNOWN_PROJECT', message: expect.stringContaining(`"${project}"`) } },
  });
});

test('the schedule looks at the project, and the alert that it opens is opened once', async () => {
  const registry = createPostgresRegistry(pool);
  const manifest = { ...emptyManifest(project), views: [monitoredView()] };
  await registry.apply({ manifest, baseRevision: 0, by: 'team@example.com', commit: null, now });
  const schedules = createSchedules(client);
  await schedules.upsertMonitor(project);
  try {
    const schedule = client.schedule.getHandle(monitorId(project));
    // It fires by itself each half minute too, and while that run works, another that is asked for is skipped.
    await schedule.pause();
    for (const { workflow } of (await schedule.describe()).info.runningActions)
      await client.workflow.getHandle(workflow.workflowId, workflow.firstExecutionRunId).result();
    await firedRuns(client, schedule, () => schedule.trigger());
  } finally {
    await schedules.removeMonitor(project);
  }
  expect(lines).toEqual([expect.stringMatching(/^alert opened: critical freshness\/.*\/activity@v1: /)]);
  now = january('01T12:01');
  expect(await look()).toEqual({
    checked: 1,
    open: 1,
    opened: 0,
    resolved: 0,
    delivered: 0,
    failedDeliveries: 0,
  });
  expect(lines).toHaveLength(1);
});
