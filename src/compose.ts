import { randomBytes } from 'node:crypto';
import { hostname } from 'node:os';
import { join } from 'node:path';
import type { ActivityDeps } from '../activities/activity-deps.ts';
import type { Config } from './config.ts';
import type { OnDemandFunctions } from './core/on-demand.ts';
import type { PushSourceSpec } from './core/source.ts';
import { type Clock, durationOf, systemClock } from './core/time.ts';
import type { Ledger } from './ledger/ledger.ts';
import { ledgerMigrations } from './ledger/postgres/migrations.ts';
import { createPostgresLedger } from './ledger/postgres/postgres-ledger.ts';
import type { AlertStore } from './monitor/alert-store.ts';
import { monitorMigrations } from './monitor/postgres/migrations.ts';
import { createPostgresAlertStore } from './monitor/postgres/postgres-alert-store.ts';
import { createPostgresStreamProgress } from './monitor/postgres/postgres-stream-progress.ts';
import type { AlertSink } from './monitor/sinks/alert-sink.ts';
import { createLogSink } from './monitor/sinks/log-sink.ts';
import { createWebhookSink } from './monitor/sinks/webhook-sink.ts';
import type { StreamProgress } from './monitor/stream-progress.ts';
import type { AsOfEngine } from './offline/as-of-engine.ts';
import { createDuckDbAsOfEngine } from './offline/duckdb/as-of/duckdb-as-of-engine.ts';
import { createDuckDbFeatureComputer } from './offline/duckdb/compute/duckdb-feature-computer.ts';
import { createDuckDb } from './offline/duckdb/engine.ts';
import { createDuckDbFeatureReader } from './offline/duckdb/newest/duckdb-feature-reader.ts';
import { createDuckDbPushedRowsWriter } from './offline/duckdb/pushed/duckdb-pushed-rows-writer.ts';
import { createDuckDbSourceReader } from './offline/duckdb/sources/duckdb-source-reader.ts';
import { createRemoteAccess } from './offline/duckdb/sources/remote-access.ts';
import { createDuckDbLeakageGauge } from './offline/duckdb/tables/duckdb-leakage-gauge.ts';
import { createDuckDbTableArranger } from './offline/duckdb/tables/duckdb-table-arranger.ts';
import { createDuckDbTableProfiler } from './offline/duckdb/tables/duckdb-table-profiler.ts';
import { createDuckDbTableReader } from './offline/duckdb/tables/duckdb-table-reader.ts';
import type { FeatureComputer } from './offline/feature-computer.ts';
import type { FeatureReader } from './offline/feature-reader.ts';
import type { LeakageGauge } from './offline/leakage-gauge.ts';
import type { PushedRowsWriter } from './offline/pushed-rows-writer.ts';
import type { SourceReader } from './offline/source-reader.ts';
import type { TableArranger } from './offline/table-arranger.ts';
import type { TableProfiler } from './offline/table-profiler.ts';
import type { TableReader } from './offline/table-reader.ts';
import type { OnlineStore } from './online/online-store.ts';
import { createRedisOnlineStore } from './online/redis/redis-online-store.ts';
import type { TemporalClient } from './orchestrate/connection.ts';
import { createLatePushedRows } from './push/postgres/late-pushed-rows.ts';
import { pushMigrations } from './push/postgres/migrations.ts';
import { createPostgresPushedFiles } from './push/postgres/postgres-pushed-files.ts';
import { createPostgresUnreadableSegments } from './push/postgres/postgres-unreadable-segments.ts';
import type { EventTimes } from './push/pushed-files.ts';
import { createSegmentPushLog, type SegmentPushLog } from './push/segments/segment-push-log.ts';
import type { UnreadableSegments } from './push/unreadable-segments.ts';
import { migrate } from './registry/postgres/migrate.ts';
import { registryMigrations } from './registry/postgres/migrations.ts';
import { connectPostgres } from './registry/postgres/pool.ts';
import { createPostgresRegistry } from './registry/postgres/postgres-registry.ts';
import type { Registry } from './registry/registry.ts';
import type { Addresses } from './stack/stack.ts';

/** How long a lease lasts without renewal: a worker killed in the middle blocks its range no longer than this. */
const LEASE = durationOf('15s');

/**
 * The ports, each made when it is first asked for: a command that only plans opens neither Redis nor Temporal.
 * The only file that knows which adapter is used.
 */
export interface Platform {
  readonly config: Config;
  readonly addresses: Addresses;
  readonly clock: Clock;
  /** Names this process in leases and to Temporal. */
  readonly identity: string;
  registry(): Promise<Registry>;
  ledger(): Promise<Ledger>;
  alerts(): Promise<AlertStore>;
  streams(): Promise<StreamProgress>;
  /** Pushed rows that cannot be made files, on all hosts. */
  unreadable(): Promise<UnreadableSegments>;
  sinks(log: (line: string) => void): readonly AlertSink[];
  offline(): Promise<Offline>;
  online(): Promise<OnlineStore>;
  /** Opens the log of pushed rows, and takes over what processes that died have left; closed with the platform. */
  pushLog(of: {
    readonly sourceOf: (project: string, source: string) => Promise<PushSourceSpec>;
    readonly log: (line: string) => void;
  }): Promise<SegmentPushLog>;
  temporal(): Promise<TemporalClient>;
  activityDeps(repo: {
    readonly onDemand: OnDemandFunctions;
    readonly log: (line: string) => void;
  }): Promise<ActivityDeps>;
  close(): Promise<void>;
}

export interface Offline {
  readonly sources: SourceReader;
  readonly computer: FeatureComputer;
  readonly reader: FeatureReader;
  readonly asOf: AsOfEngine;
  readonly tables: TableReader;
  readonly profiler: TableProfiler;
  readonly leakage: LeakageGauge;
  readonly arranger: TableArranger;
  readonly pushedRows: PushedRowsWriter;
}

export interface ComposeRequest {
  readonly config: Config;
  readonly addresses: Addresses;
  /** The feature repository: relative source paths start there. */
  readonly baseDir: string;
}

export function compose({ config, addresses, baseDir }: ComposeRequest): Platform {
  const closers: (() => Promise<void>)[] = [];
  /** Of what still works with the rest while it closes. */
  const closersFirst: (() => Promise<void>)[] = [];
  /** Makes a thing once; a failure is not remembered, so that a server that comes back is found. */
  const once = <T>(make: () => Promise<T>): (() => Promise<T>) => {
    let made: Promise<T> | undefined;
    return () => {
      made ??= make().catch((error: unknown) => {
        made = undefined;
        throw error;
      });
      return made;
    };
  };
  const clock = systemClock;
  const identity = `${hostname()}:${process.pid}:${randomBytes(3).toString('hex')}`;

  const pool = once(async () => {
    const opened = connectPostgres(addresses.databaseUrl);
    closers.push(() => opened.end());
    await migrate(opened, [registryMigrations, ledgerMigrations, monitorMigrations, pushMigrations]);
    return opened;
  });
  const duckdb = once(async () => {
    const engine = await createDuckDb({
      memory: config.duckdbMemory,
      threads: config.duckdbThreads,
      tempDir: join(config.home, 'tmp'),
    });
    closers.push(() => engine.close());
    return engine;
  });
  const registry = once(async () => createPostgresRegistry(await pool()));
  const ledger = once(async () => createPostgresLedger(await pool()));
  const alerts = once(async () => createPostgresAlertStore(await pool()));
  const streams = once(async () => createPostgresStreamProgress(await pool()));
  const unreadable = once(async () => createPostgresUnreadableSegments(await pool()));
  const offline = once(async (): Promise<Offline> => {
    const engine = await duckdb();
    const remote = createRemoteAccess({
      variable: config.variable,
      fetchExtension: async (name, version) => {
        const { fetchDuckDbExtension } = await import('./stack/duckdb-extension.ts');
        return fetchDuckDbExtension(name, { version, cache: config.cache });
      },
    });
    const pushed = async (source: PushSourceSpec, range: EventTimes) => {
      const files = createPostgresPushedFiles(await pool());
      const found = await files.files({ project: source.project, source: source.name }, range);
      return found.map(({ path }) => join(config.offline, path));
    };
    const roots = { baseDir, offlineRoot: config.offline, remote, pushed };
    return {
      sources: createDuckDbSourceReader(engine, roots),
      computer: createDuckDbFeatureComputer(engine, roots),
      reader: createDuckDbFeatureReader(engine, roots),
      asOf: createDuckDbAsOfEngine(engine, roots),
      tables: createDuckDbTableReader(engine),
      profiler: createDuckDbTableProfiler(engine),
      leakage: createDuckDbLeakageGauge(engine),
      arranger: createDuckDbTableArranger(engine),
      pushedRows: createDuckDbPushedRowsWriter(engine, roots),
    };
  });
  const online = once(async () => {
    const store = await createRedisOnlineStore({
      url: addresses.redisUrl,
      clock,
      maxRowBytes: config.rowMaxBytes,
    });
    closers.push(() => store.close());
    return store;
  });
  const pushLog: Platform['pushLog'] = async ({ sourceOf, log }) => {
    const files = createPostgresPushedFiles(await pool());
    // Loaded when the first file is made: a server begins to answer before.
    const writer: PushedRowsWriter = {
      write: async (request) => (await offline()).pushedRows.write(request),
      merge: async (request) => (await offline()).pushedRows.merge(request),
      remove: async (path) => (await offline()).pushedRows.remove(path),
    };
    const opened = await createSegmentPushLog({
      folder: config.pushLog,
      sourceOf,
      clock,
      log,
      files,
      writer,
      unreadable: await unreadable(),
    });
    closersFirst.push(() => opened.close());
    return opened;
  };
  const temporal = once(async () => {
    const { connectTemporal } = await import('./orchestrate/connection.ts');
    const client = await connectTemporal({ ...config, temporalAddress: addresses.temporalAddress });
    closers.push(() => client.close());
    return client;
  });
  const sinks = (log: (line: string) => void): readonly AlertSink[] => [
    createLogSink({ log }),
    ...(config.alertWebhookUrl === null ? [] : [createWebhookSink({ url: config.alertWebhookUrl })]),
  ];

  return {
    config,
    addresses,
    clock,
    identity,
    registry,
    ledger,
    alerts,
    streams,
    unreadable,
    sinks,
    offline,
    online,
    pushLog,
    temporal,
    activityDeps: async ({ onDemand, log }) => ({
      ...(await offline()),
      registry: await registry(),
      ledger: await ledger(),
      late: createLatePushedRows(await pool()),
      alerts: await alerts(),
      streams: await streams(),
      unreadable: await unreadable(),
      sinks: sinks(log),
      online: await online(),
      onDemand,
      baseDir,
      offlineRoot: config.offline,
      removeSchedule: async (version) => {
        const { createSchedules } = await import('./orchestrate/schedules.ts');
        await createSchedules((await temporal()).client).remove(version);
      },
      clock,
      identity,
      leaseFor: LEASE,
    }),
    async close() {
      for (const closeOne of closersFirst.splice(0)) await closeOne();
      for (const closeOne of closers.splice(0).toReversed()) await closeOne();
    },
  };
}
