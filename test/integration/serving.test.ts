import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { createClient } from '../../src/client/client.ts';
import type { Manifest } from '../../src/core/manifest.ts';
import type { OnlineStore } from '../../src/online/online-store.ts';
import { createRedisOnlineStore } from '../../src/online/redis/redis-online-store.ts';
import { migrate } from '../../src/registry/postgres/migrate.ts';
import { registryMigrations } from '../../src/registry/postgres/migrations.ts';
import { connectPostgres, type PostgresPool } from '../../src/registry/postgres/pool.ts';
import { createPostgresRegistry } from '../../src/registry/postgres/postgres-registry.ts';
import type { Registry } from '../../src/registry/registry.ts';
import { type RunningServer, serve } from '../../src/server/serve.ts';
import { type RegistryWatch, watchRegistry } from '../../src/serving/registry-watch.ts';
import { type Cuttable, cuttable } from '../support/cuttable.ts';
import { type OwnRedis, ownRedis } from '../support/own-redis.ts';
import { testDatabase, uniqueName } from '../support/services.ts';
import {
  activity,
  activityV2,
  everything,
  functions,
  NOW,
  putOnline,
  RECENT,
  servingManifest,
} from '../support/serving-project.ts';

/** The server on a real Redis and a real Postgres, each of which goes away and comes back. */
const project = uniqueName('serving');
const BIG = 9_007_199_254_740_993n;
/** Long before the next poll. */
const TOLD = { timeout: 30_000 };
let redis: OwnRedis;
let online: OnlineStore;
let wayToPostgres: Cuttable;
let pool: PostgresPool;
let registry: Registry;
let watch: RegistryWatch;
let server: RunningServer;

async function apply(manifest: Manifest, baseRevision: number): Promise<void> {
  await registry.apply({ manifest, baseRevision, by: 'tests', commit: null, now: NOW });
}

beforeAll(async () => {
  redis = await ownRedis();
  await redis.start();
  online = await createRedisOnlineStore({ url: redis.url, clock: () => NOW });
  wayToPostgres = await cuttable(await testDatabase('serving'));
  pool = connectPostgres(wayToPostgres.url);
  await migrate(pool, [registryMigrations]);
  registry = createPostgresRegistry(pool);
  await apply(servingManifest(project), 0);
  // Polled once in a minute: what arrives sooner was told.
  watch = await watchRegistry({ registry, project, clock: () => NOW, intervalMillis: 60_000 });
  server = await serve({
    host: '127.0.0.1',
    port: 0,
    registry: watch,
    online,
    functions,
    clock: () => NOW,
  });
  await putOnline(online, project, activity, [{ key: [BIG], values: [1n, 4, null] }]);
  await putOnline(online, project, activityV2, [{ key: [BIG], values: [2n] }]);
});
afterAll(async () => {
  await server?.close();
  await watch?.close();
  await pool?.end();
  await wayToPostgres?.close();
  await online?.close();
  await redis?.remove();
});

const entities = [{ user_id: BIG }, { user_id: BIG - 1n }];
const sessions = async (reference = 'activity:sessions') => {
  const rows = await createClient({ baseUrl: server.url }).getOnlineFeatures({
    features: [reference],
    entities,
  });
  return rows.map(({ values }) => values.sessions);
};
const health = async () => {
  const response = await fetch(`${server.url}/health`);
  const { status } = (await response.json()) as { status: string };
  return `${response.status} ${status}`;
};

test('every type, null and absence come through Redis and HTTP as they were written', async () => {
  const values = [
    false,
    -(2 ** 31),
    2n ** 63n - 1n,
    Number.NEGATIVE_INFINITY,
    'é"\\',
    Buffer.from([0, 255]),
    -1n,
    '1969-12-31',
    '{"a":[1]}',
    ['a', null, ''],
    Float32Array.of(0.5, Number.NaN),
  ];
  await putOnline(online, project, everything, [
    { key: [BIG], values },
    { key: [0n], values: values.map(() => null) },
  ]);
  const rows = await createClient({ baseUrl: server.url }).getOnlineFeatures({
    features: ['everything:*', 'ratio:ratio'],
    entities: [
      { user_id: BIG, amount: 8 },
      { user_id: 0n, amount: 8 },
      { user_id: 7n, amount: 8 },
    ],
  });
  const stored = rows.map(({ values }) => Object.values(values).slice(0, -1));
  expect(stored).toEqual([values, values.map(() => null), values.map(() => null)]);
  expect(rows.map(({ statuses }) => statuses.flag)).toEqual(['PRESENT', 'NULL_VALUE', 'NOT_FOUND']);
  expect(rows.map(({ eventTimes }) => eventTimes.flag)).toEqual([RECENT, RECENT, null]);
  expect(rows.map(({ values }) => values.ratio)).toEqual([2, null, null]);
});

test('a serving version that moves, and a new apply, reach the running server', async () => {
  expect(await sessions()).toEqual([1n, null]);
  await registry.setServingVersion({ project, view: 'activity', version: 2 }, 'tests');
  await vi.waitFor(async () => expect(await sessions()).toEqual([2n, null]), TOLD);
  expect(await sessions('activity@v1:sessions')).toEqual([1n, null]);

  await expect(sessions('renamed:sessions')).rejects.toMatchObject({ code: 'UNKNOWN_VIEW' });
  const manifest = servingManifest(project);
  const added = { ...activityV2, name: 'renamed', version: 1 };
  await apply({ ...manifest, views: [...manifest.views, added] }, 1);
  await vi.waitFor(async () => expect(await sessions('renamed:sessions')).toEqual([null, null]), TOLD);
});

test('no request is dropped while definitions change under it', async () => {
  const applied = await registry.load(project);
  const known = applied?.manifest ?? servingManifest(project);
  let changing = true;
  const reads: unknown[] = [];
  const reader = async () => {
    while (changing) reads.push(...(await sessions()).slice(0, 1));
  };
  const readers = Promise.all([reader(), reader(), reader()]);
  for (const version of [1, 2, 1, 2]) {
    await registry.setServingVersion({ project, view: 'activity', version }, 'tests');
    await vi.waitFor(async () => expect((await sessions())[0]).toBe(BigInt(version)), TOLD);
  }
  await apply({ ...known, services: [] }, applied?.revision ?? 0);
  await vi.waitFor(() => expect(watch.status().revision).toBe((applied?.revision ?? 0) + 1), TOLD);
  changing = false;
  await readers;
  expect(reads.length).toBeGreaterThan(10);
  expect(new Set(reads)).toEqual(new Set([1n, 2n]));
});

test('with Postgres gone the server goes on with what it knows, says so, and recovers', async () => {
  wayToPostgres.cut();
  await vi.waitFor(async () => expect(await health()).toBe('200 degraded'), { timeout: 30_000 });
  expect(await sessions('activity@v1:sessions')).toEqual([1n, null]);
  wayToPostgres.mend();
  await vi.waitFor(async () => expect(await health()).toBe('200 ok'), { timeout: 30_000 });
});

test('with Redis gone a read is refused at once, and served again when it is back', async () => {
  await redis.stop('SIGKILL');
  await vi.waitFor(async () => expect(await health()).toBe('503 unavailable'), { timeout: 30_000 });
  const start = performance.now();
  await expect(sessions()).rejects.toMatchObject({ code: 'STORE_UNAVAILABLE' });
  // A read that waits for an answer waits two seconds.
  expect(performance.now() - start).toBeLessThan(1500);
  await redis.start();
  await vi.waitFor(async () => expect(await health()).toBe('200 ok'), { timeout: 30_000 });
  await putOnline(online, project, activity, [{ key: [BIG], values: [1n, 4, null] }]);
  expect(await sessions('activity@v1:sessions')).toEqual([1n, null]);
});
