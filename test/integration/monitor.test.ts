import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { emptyManifest } from '../../src/core/manifest.ts';
import { addDuration, type Clock, durationOf, type Micros } from '../../src/core/time.ts';
import { ledgerMigrations } from '../../src/ledger/postgres/migrations.ts';
import { createPostgresLedger } from '../../src/ledger/postgres/postgres-ledger.ts';
import { alertFacts } from '../../src/monitor/alert.ts';
import type { AlertStore } from '../../src/monitor/alert-store.ts';
import { deliverAlerts } from '../../src/monitor/deliver-alerts.ts';
import type { Finding } from '../../src/monitor/finding.ts';
import { monitorMigrations } from '../../src/monitor/postgres/migrations.ts';
import { createPostgresAlertStore } from '../../src/monitor/postgres/postgres-alert-store.ts';
import { createPostgresStreamProgress } from '../../src/monitor/postgres/postgres-stream-progress.ts';
import { runMonitor } from '../../src/monitor/run-monitor.ts';
import { createLogSink } from '../../src/monitor/sinks/log-sink.ts';
import { createWebhookSink } from '../../src/monitor/sinks/webhook-sink.ts';
import { viewStatuses } from '../../src/monitor/view-status.ts';
import { pushMigrations } from '../../src/push/postgres/migrations.ts';
import { createPostgresUnreadableSegments } from '../../src/push/postgres/postgres-unreadable-segments.ts';
import { migrate } from '../../src/registry/postgres/migrate.ts';
import { registryMigrations } from '../../src/registry/postgres/migrations.ts';
import { connectPostgres, type PostgresPool, queryOf } from '../../src/registry/postgres/pool.ts';
import { createPostgresRegistry } from '../../src/registry/postgres/postgres-registry.ts';
import type { ScheduledSet } from '../../src/registry/scheduled-set.ts';
import { claimRequest, complete, granted, work } from '../conformance/ledger-fixture.ts';
import { january, monitoredView, scheduledSet } from '../support/monitored-view.ts';
import { testDatabase, uniqueName } from '../support/services.ts';
import { type Receiver, startReceiver } from '../support/webhook-receiver.ts';

const SECRET = 'hunter2';
let url: string;
const pools: PostgresPool[] = [];
const receivers: Receiver[] = [];

/** A store on connections of its own, as another process has. */
function open(): { readonly pool: PostgresPool; readonly alerts: AlertStore } {
  const pool = connectPostgres(url, { maxConnections: 4 });
  pools.push(pool);
  return { pool, alerts: createPostgresAlertStore(pool) };
}

async function receiver(port?: number): Promise<Receiver> {
  const started = await startReceiver(port);
  receivers.push(started);
  return started;
}

let alerts: AlertStore;
let pool: PostgresPool;
let project: string;

beforeAll(async () => {
  url = await testDatabase('monitor');
  ({ pool, alerts } = open());
  await migrate(pool, [registryMigrations, ledgerMigrations, monitorMigrations, pushMigrations]);
});

beforeEach(() => {
  project = uniqueName('shop');
});

afterAll(async () => {
  await Promise.all(pools.map((one) => one.end()));
  await Promise.all(receivers.map((one) => one.stop()));
});

const T0 = january('01T12:00');

function minutes(count: number): Micros {
  return addDuration(T0, durationOf(`${count}m`));
}

function finding(name = 'activity', more: Partial<Finding> = {}): Finding {
  return {
    identity: `freshness/${project}/${name}@v1`,
    kind: 'freshness_breached',
    project,
    view: name,
    version: 1,
    severity: 'critical',
    summary: `${name}@v1 is old.`,
    details: { watermark: '2026-01-01T06:00:00Z' },
    ...more,
  };
}

function look(now: Micros, findings: readonly Finding[], sinks: readonly string[] = ['webhook']) {
  return { project, findings, sinks, repeatEvery: durationOf('4h'), now };
}

/** Everything queued for a sink, oldest first, as `state view`. */
async function queued(sink = 'webhook'): Promise<readonly string[]> {
  const rows = await queryOf(pool)<{ told: string }>(
    `select event->>'state' || ' ' || (event->>'view') as told from alert_deliveries
     where project = $1 and sink = $2 order by id`,
    [project, sink],
  );
  return rows.map(({ told }) => told);
}

test('an alert opens once, is kept up to date, is repeated at its interval, and resolves by itself', async () => {
  expect(await alerts.reconcile(look(T0, [finding()]))).toEqual({
    opened: 1,
    repeated: 0,
    resolved: 0,
    open: 1,
  });
  await deliverAll(['opened activity']);
  const updated = finding('activity', { severity: 'warning', summary: 'Older.', details: { age: '5h' } });
  expect(await alerts.reconcile(look(minutes(1), [updated]))).toMatchObject({ opened: 0, open: 1 });
  const [alert] = await alerts.openAlerts(project);
  expect(alert).toEqual({ ...updated, openedAt: T0, lastSeenAt: minutes(1), resolvedAt: null });

  expect(await alerts.reconcile(look(minutes(239), [updated]))).toMatchObject({ repeated: 0 });
  expect(await alerts.reconcile(look(minutes(240), [updated]))).toMatchObject({ repeated: 1, opened: 0 });
  expect(await alerts.reconcile(look(minutes(241), [updated]))).toMatchObject({ repeated: 0 });

  expect(await alerts.reconcile(look(minutes(250), []))).toMatchObject({ resolved: 1, open: 0 });
  expect(await alerts.reconcile(look(minutes(251), []))).toMatchObject({ resolved: 0, open: 0 });
  expect(await alerts.openAlerts(project)).toEqual([]);
  expect((await alerts.recentAlerts(project, 10)).map(alertFacts)).toEqual([
    expect.objectContaining({
      openedAt: '2026-01-01T12:00:00Z',
      lastSeenAt: '2026-01-01T16:01:00Z',
      resolvedAt: '2026-01-01T16:10:00Z',
    }),
  ]);
  await alerts.reconcile(look(minutes(260), [updated]));
  expect(await queued()).toEqual(['opened', 'repeated', 'resolved', 'opened'].map((s) => `${s} activity`));
  expect(await alerts.recentAlerts(project, 10)).toHaveLength(2);
  expect(await alerts.recentAlerts(project, 1)).toEqual(await alerts.openAlerts(project));

  async function deliverAll(expected: readonly string[]) {
    const { url: address, received } = await receiver();
    await deliverAlerts(project, {
      alerts,
      sinks: [createWebhookSink({ url: address })],
      clock: () => minutes(0),
    });
    expect(received.map(({ body }) => told(body))).toEqual(expected);
  }
});

test('alerts of one project are no business of another', async () => {
  await alerts.reconcile(look(T0, [finding()]));
  const other = uniqueName('other');
  await alerts.reconcile({ ...look(minutes(1), []), project: other });
  expect(await alerts.openAlerts(project)).toHaveLength(1);
  expect(await alerts.openAlerts(other)).toEqual([]);
});

test.each([
  ['first', false],
  ['later', true],
])(
  'monitors that look at once, at a %s time, open each alert once and tell each sink once',
  async (_, looked) => {
    if (looked) await alerts.reconcile(look(T0, []));
    const monitors = Array.from({ length: 6 }, () => open().alerts);
    const findings = [finding('a'), finding('b'), finding('c')];
    const results = await Promise.all(
      monitors.map((each) => each.reconcile(look(T0, findings, ['webhook', 'log']))),
    );
    expect(results.reduce((sum, { opened }) => sum + opened, 0)).toBe(3);
    expect(results.every((result) => result.open === 3)).toBe(true);
    expect(await queued('webhook')).toEqual(['opened a', 'opened b', 'opened c']);
    expect(await queued('log')).toEqual(['opened a', 'opened b', 'opened c']);

    const { url: address, received } = await receiver();
    const sinks = [createWebhookSink({ url: address })];
    await Promise.all(
      monitors.map((each) => deliverAlerts(project, { alerts: each, sinks, clock: () => T0 })),
    );
    await deliverAlerts(project, { alerts, sinks, clock: () => T0 });
    expect(received.map(({ body }) => told(body))).toEqual(['opened a', 'opened b', 'opened c']);
  },
);

test('the database itself refuses a second open alert of one identity', async () => {
  await alerts.reconcile(look(T0, [finding()]));
  const again = queryOf(pool)(
    `insert into alerts (project, identity, kind, view, version, severity, summary, details, opened_at,
       last_seen_at, told_at)
     select project, identity, kind, view, version, severity, summary, details, opened_at, last_seen_at, told_at
     from alerts where project = $1`,
    [project],
  );
  await expect(again).rejects.toThrow(/alerts_open/);
});

test('a look that ended late does not undo a newer one, and a clock that was wrong for once stops nobody', async () => {
  await alerts.reconcile(look(T0, [finding()]));
  await alerts.reconcile(look(minutes(2), []));
  expect(await alerts.reconcile(look(minutes(1), [finding()]))).toEqual({
    opened: 0,
    repeated: 0,
    resolved: 0,
    open: 0,
  });
  await alerts.reconcile(look(minutes(500_000), []));
  expect(await alerts.reconcile(look(minutes(3), [finding()]))).toMatchObject({ opened: 1 });
});

test('alerts and what sinks have yet to be told survive a restart', async () => {
  const before = open();
  await before.alerts.reconcile(look(T0, [finding()]));
  await before.pool.end();
  pools.splice(pools.indexOf(before.pool), 1);

  const { alerts: restarted } = open();
  expect(await restarted.reconcile(look(minutes(1), [finding()]))).toMatchObject({ opened: 0, open: 1 });
  const { url: address, received } = await receiver();
  const sinks = [createWebhookSink({ url: address })];
  await deliverAlerts(project, { alerts: restarted, sinks, clock: () => minutes(1) });
  expect(received.map(({ body }) => told(body))).toEqual(['opened activity']);
});

test('what a monitor had claimed when it died is told by the next one, under the same id', async () => {
  await alerts.reconcile(look(T0, [finding('a'), finding('b')]));
  const claimed = await alerts.claimDelivery({
    project,
    sink: 'webhook',
    now: T0,
    leaseFor: durationOf('30s'),
  });
  const { url: address, received } = await receiver();
  const deliver = (now: Micros) =>
    deliverAlerts(project, { alerts, sinks: [createWebhookSink({ url: address })], clock: () => now });
  expect(await deliver(T0)).toEqual({ delivered: 0, failedDeliveries: 0 });
  expect(await deliver(minutes(1))).toEqual({ delivered: 2, failedDeliveries: 0 });
  expect(received.map(({ body }) => told(body))).toEqual(['opened a', 'opened b']);
  expect(received[0]?.headers['idempotency-key']).toBe(claimed?.event.id);
});

test('an event that a sink reads and refuses does not hold up the others for ever', async () => {
  await alerts.reconcile(look(T0, [finding('a'), finding('b')]));
  const { url: address, received, answerWith } = await receiver();
  answerWith(400);
  let now = T0;
  const deliver = () =>
    deliverAlerts(project, { alerts, sinks: [createWebhookSink({ url: address })], clock: () => now });
  for (let attempt = 1; attempt <= 10; attempt++) {
    expect(await deliver()).toEqual({ delivered: 0, failedDeliveries: 1 });
    now = addDuration(now, durationOf('10m'));
  }
  answerWith(200);
  expect(await deliver()).toEqual({ delivered: 1, failedDeliveries: 0 });
  expect(received.map(({ body }) => told(body))).toEqual([...Array(10).fill('opened a'), 'opened b']);
});

test('a reminder is not queued behind news of the same alert that the sink has yet to hear', async () => {
  await alerts.reconcile(look(T0, [finding()], ['webhook', 'log']));
  await deliverAlerts(project, {
    alerts,
    sinks: [createLogSink({ log: () => undefined })],
    clock: () => T0,
  });
  await alerts.reconcile(look(minutes(240), [finding()], ['webhook', 'log']));
  await alerts.reconcile(look(minutes(480), [finding()], ['webhook', 'log']));
  expect(await queued('webhook')).toEqual(['opened activity']);
  expect(await queued('log')).toEqual(['opened activity', 'repeated activity']);
});

test('resolved alerts and what was told of them are forgotten after 90 days, undelivered news never', async () => {
  await alerts.reconcile(look(T0, [finding()], ['webhook', 'log']));
  await alerts.reconcile(look(minutes(1), [], ['webhook', 'log']));
  await deliverAlerts(project, {
    alerts,
    sinks: [createLogSink({ log: () => undefined })],
    clock: () => minutes(1),
  });
  await alerts.reconcile(look(minutes(90 * 1440), []));
  expect(await alerts.recentAlerts(project, 10)).toHaveLength(1);
  await alerts.reconcile(look(minutes(90 * 1440 + 2), []));
  expect(await alerts.recentAlerts(project, 10)).toEqual([]);
  expect(await queued('log')).toEqual([]);
  expect(await queued('webhook')).toEqual(['opened activity', 'resolved activity']);
});

test('a view goes stale while the webhook is down: nothing is lost, and it hears all of it in order', async () => {
  const registry = createPostgresRegistry(pool);
  const ledger = createPostgresLedger(pool);
  const views = [
    monitoredView(),
    monitoredView({ name: 'spend', freshnessSla: '1d' }),
    monitoredView({ version: 2, fingerprint: 'fingerprint-b', freshnessSla: null }),
  ];
  const manifest = { ...emptyManifest(project), views };
  await registry.apply({ manifest, baseRevision: 0, by: 'team@example.com', commit: null, now: T0 });
  const version = { project, view: 'activity', version: 1 };
  const commit = async (from: Micros, to: Micros, now: Micros) => {
    await complete(ledger, claimRequest(version, { start: from, end: to }, { now }), work(`work-${to}`));
  };

  const down = await receiver();
  const port = Number(new URL(down.url).port);
  await down.stop();
  const lines: string[] = [];
  let now = T0;
  const clock: Clock = () => now;
  const sinks = [
    createLogSink({ log: (line) => lines.push(line) }),
    createWebhookSink({ url: `http://127.0.0.1:${port}/${SECRET}` }),
  ];
  const deps = {
    registry,
    ledger,
    alerts,
    sinks,
    clock,
    streams: createPostgresStreamProgress(pool),
    unreadable: createPostgresUnreadableSegments(pool),
  };

  await commit(january('01T00:00'), january('01T12:00'), now);
  expect(await runMonitor(project, deps)).toEqual({
    checked: 3,
    open: 0,
    opened: 0,
    resolved: 0,
    delivered: 0,
    failedDeliveries: 0,
  });

  // Four hours and a minute later nothing has come, and the newest interval has failed.
  now = january('01T16:01');
  const lease = await granted(
    ledger.claim(claimRequest(version, { start: january('01T15:00'), end: january('01T16:00') }, { now })),
  );
  await ledger.release(lease, { kind: 'failed', error: 'The source is not there.' }, now);
  expect(await runMonitor(project, deps)).toEqual({
    checked: 3,
    open: 2,
    opened: 2,
    resolved: 0,
    delivered: 2,
    failedDeliveries: 1,
  });
  expect((await viewStatuses(project, deps)).map((row) => [row.view, row.serving, row.freshness])).toEqual([
    ['activity@v1', true, 'breached'],
    ['activity@v2', false, 'unknown'],
    ['spend@v1', true, 'ok'],
  ]);

  now = january('01T16:03');
  expect(await runMonitor(project, deps)).toMatchObject({ open: 2, opened: 0, failedDeliveries: 1 });

  // The data comes; one more view goes stale meanwhile.
  now = january('02T00:01');
  await commit(january('01T12:00'), january('02T00:00'), now);
  expect(await runMonitor(project, deps)).toMatchObject({
    open: 1,
    opened: 1,
    resolved: 2,
    delivered: 3,
    failedDeliveries: 1,
  });

  const errors = await queryOf(pool)<{ last_error: string }>(
    `select last_error from alert_deliveries where project = $1 and last_error is not null`,
    [project],
  );
  expect(errors).toEqual([
    {
      last_error: `Cannot send an alert to the webhook at 127.0.0.1:${port}: the connection failed (ECONNREFUSED).`,
    },
  ]);

  const up = await receiver(port);
  now = january('02T00:30');
  expect(await runMonitor(project, deps)).toMatchObject({ opened: 0, delivered: 5, failedDeliveries: 0 });
  expect(up.received.map(({ body }) => body)).toEqual([
    expect.objectContaining({
      identity: `freshness/${project}/activity@v1`,
      state: 'opened',
      openedAt: '2026-01-01T16:01:00Z',
      resolvedAt: null,
    }),
    expect.objectContaining({ identity: `failed/${project}/activity@v1`, state: 'opened' }),
    expect.objectContaining({ identity: `freshness/${project}/spend@v1`, state: 'opened' }),
    expect.objectContaining({
      identity: `freshness/${project}/activity@v1`,
      state: 'resolved',
      resolvedAt: '2026-01-02T00:01:00Z',
    }),
    expect.objectContaining({ identity: `failed/${project}/activity@v1`, state: 'resolved' }),
  ]);
  expect(new Set(up.received.map(({ headers }) => headers['idempotency-key'])).size).toBe(5);
  expect(lines).toHaveLength(5);
  expect(await runMonitor(project, deps)).toMatchObject({ delivered: 0, failedDeliveries: 0 });
});

function told(body: unknown): string {
  const { state, view } = body as { state: string; view: string };
  return `${state} ${view}`;
}

test('a scheduled training set that was not built is told, until one is', async () => {
  const registry = createPostgresRegistry(pool);
  const ledger = createPostgresLedger(pool);
  const manifest = { ...emptyManifest(project), trainingSetSchedules: [scheduledSet] };
  await registry.apply({ manifest, baseRevision: 0, by: 'team@example.com', commit: null, now: T0 });
  const up = await receiver();
  const deps = {
    registry,
    ledger,
    alerts,
    sinks: [createWebhookSink({ url: up.url, format: 'slack' })],
    clock: () => january('05T00:05'),
    streams: createPostgresStreamProgress(pool),
    unreadable: createPostgresUnreadableSegments(pool),
  };
  const record = (day: string, outcome: ScheduledSet['outcome']) =>
    registry.recordScheduledSet({
      project,
      schedule: scheduledSet.name,
      tick: january(`${day}T00:00`),
      endedAt: january(`${day}T00:01`),
      outcome,
    });

  await record('05', { kind: 'failed', code: 'SPINE_INVALID', message: 'Cannot use the spine.' });
  expect(await runMonitor(project, deps)).toMatchObject({ opened: 1, open: 1, delivered: 1 });
  expect(await alerts.openAlerts(project)).toEqual([
    expect.objectContaining({ identity: `training-set/${project}/weekly`, view: null, version: null }),
  ]);
  await record('12', { kind: 'built', id: 'a'.repeat(64), rows: 3, reused: false });
  expect(await runMonitor(project, deps)).toMatchObject({ resolved: 1, open: 0, delivered: 1 });
  expect(up.received.map(({ body }) => (body as { text: string }).text)).toEqual([
    expect.stringContaining('The training set of schedule "weekly" was not built for 2026-01-05T00:00:00Z'),
    expect.stringMatching(/^\*Resolved\*/),
  ]);
  expect(JSON.stringify(up.received[0]?.body)).not.toContain('null');
});
