import { basename } from 'node:path';
import { Redis } from 'ioredis';
import { systemClock, timeOf } from '../src/core/time.ts';
import { onlineTableOf } from '../src/online/online-table.ts';
import { ByteWriter } from '../src/online/redis/byte-writer.ts';
import { rowCodec } from '../src/online/redis/codec.ts';
import { type RunningServer, serve } from '../src/server/serve.ts';
import { MAX_VALUES, readFeatures } from '../src/serving/read-features.ts';
import { createReadPlanner } from '../src/serving/read-plan.ts';
import { watchRegistry } from '../src/serving/registry-watch.ts';
import type { Benchmark, Case, Outcome, Size, Stopwatch, World } from './benchmark.ts';
import { CONNECTIONS, startLoad } from './load-process.ts';
import { median } from './measure.ts';
import { entitiesOf, PROFILE, PROFILES, profileRegistry, profileRow } from './profile-view.ts';
import { openPlatform } from './project.ts';

/**
 * Reads of random entities: through the library (planned, decoded, with statuses), one after another, against ioredis
 * alone that fetches the same bytes and does not look at them; and over HTTP, with eight connections (the server in
 * the measured process, the clients in another).
 */
const SECONDS: Readonly<Record<Size, number>> = { tiny: 0.1, default: 1.5, large: 5 };
const PER_REQUEST: Readonly<Record<Size, readonly number[]>> = {
  tiny: [100],
  default: [1, 100, 500],
  large: [1, 100, 500],
};
const MANY_VIEWS: Readonly<Record<Size, readonly number[]>> = { tiny: [], default: [500], large: [500] };
/** The same rows for the baselines: a key for each, and hashes of 16 fields, which Redis keeps packed. */
const keyOf = (world: World, id: number, view = 0) => `${projectOf(world)}:key:${view}:${id}`;
const hashOf = (world: World, id: number) => `${projectOf(world)}:hash:${Math.floor(id / HASH_FIELDS)}`;
const HASH_FIELDS = 16;
const projectOf = ({ folder }: World) => basename(folder);

export const onlineRead: Benchmark = {
  title: 'online read',
  usesServers: true,
  prepare,
  cleanUp,
  cases: (size) => [
    ...PER_REQUEST[size].flatMap((count) => [
      timedCase(`library, ${count}`, count, libraryOf(1), `ioredis MGET, ${count}`),
      timedCase(`HTTP, ${count}`, count, readHttp, `ioredis MGET, ${count}`),
      timedCase(`ioredis MGET, ${count}`, count, mgetOf(1)),
      timedCase(`ioredis HGETs, ${count}`, count, readHgets),
    ]),
    ...MANY_VIEWS[size].flatMap((count) => [
      timedCase(`library, ${count} x 3 views`, count, libraryOf(3), `ioredis MGET, ${count} x 3 views`),
      timedCase(`ioredis MGET, ${count} x 3 views`, count, mgetOf(3)),
    ]),
  ],
};

export async function prepare(world: World): Promise<string> {
  const platform = openPlatform(world.folder);
  const store = await platform.online();
  const redis = new Redis(platform.addresses.redisUrl);
  const codec = rowCodec('profile', onlineTableOf(projectOf(world), PROFILE).valueTypes);
  const entities = entitiesOf(world);
  let bytes = 0;
  for (let from = 0; from < entities; from += 10_000) {
    const ids = Array.from({ length: Math.min(10_000, entities - from) }, (_, i) => from + i);
    const rows = ids.map((id) => profileRow(id, platform.clock()));
    for (const view of PROFILES) await store.write(onlineTableOf(projectOf(world), view), rows);
    const raw = redis.pipeline();
    for (const [i, id] of ids.entries()) {
      const row = rows[i];
      if (row === undefined) continue;
      const writer = new ByteWriter(256);
      codec.encode(writer, row);
      const packed = Buffer.from(writer.bytes.subarray(0, writer.length));
      bytes += packed.length;
      for (const view of PROFILES.keys()) raw.set(keyOf(world, id, view), packed);
      raw.hset(hashOf(world, id), String(id), packed);
    }
    await raw.exec();
  }
  await redis.quit();
  await platform.close();
  return (
    `${entities.toLocaleString('en-US')} entities, ${PROFILE.features.length} features in ${Math.round(bytes / entities)} bytes each; ` +
    `the number in a case's name is entities per request; one request at a time, over HTTP ${CONNECTIONS}`
  );
}

export async function cleanUp(world: World): Promise<void> {
  const platform = openPlatform(world.folder);
  const store = await platform.online();
  for (const view of PROFILES) await store.drop(onlineTableOf(projectOf(world), view));
  await platform.close();
  const redis = new Redis(process.env.REDIS_URL ?? '');
  for (let from = 0; from < entitiesOf(world); from += 1_000) {
    const ids = Array.from({ length: 1_000 }, (_, i) => from + i);
    const keys = [...PROFILES.keys()].flatMap((view) => ids.map((id) => keyOf(world, id, view)));
    await redis.unlink(...keys, ...ids.map((id) => hashOf(world, id)));
  }
  await redis.quit();
}

/** Sets up, then measures; returns what one request took, in seconds, for each request. */
type Reader = (count: number, world: World, timed: Stopwatch) => Promise<readonly number[]>;

function timedCase(name: string, count: number, read: Reader, against?: string): Case {
  return {
    name,
    ...(against !== undefined && { against }),
    async run(world, timed): Promise<Outcome> {
      let cpu = 0;
      const latencies = await read(count, world, (work) =>
        timed(async () => {
          const before = process.cpuUsage();
          const result = await work();
          const { user, system } = process.cpuUsage(before);
          cpu = (user + system) / 1e6;
          return result;
        }),
      );
      const sorted = latencies.toSorted((a, b) => a - b);
      return {
        done: { requests: latencies.length, entities: latencies.length * count },
        seconds: {
          p50: median(sorted),
          p99: sorted[Math.floor(sorted.length * 0.99)] ?? Number.NaN,
          'CPU a request': cpu / latencies.length,
        },
      };
    },
  };
}

function libraryOf(views: number): Reader {
  const references = PROFILES.slice(0, views).map(({ name }) => `${name}:*`);
  return (count, world, timed) => readLibrary(references, count, world, timed);
}

async function readLibrary(
  references: readonly string[],
  count: number,
  world: World,
  timed: Stopwatch,
): Promise<readonly number[]> {
  const platform = openPlatform(world.folder);
  const online = await platform.online();
  const { registry, planRead } = await serving(world);
  const read = async (ids: readonly number[]) => {
    const { features } = await readFeatures(
      {
        selection: { kind: 'references', references },
        columns: { user_id: ids },
        fullNames: true,
        aliases: [],
        includeExpired: false,
      },
      {
        snapshot: registry.current(),
        planRead,
        online,
        functions: new Map(),
        clock: systemClock,
        maxRows: 10_000,
        maxValues: MAX_VALUES,
      },
    );
    if (features[0]?.statuses[0] !== 'PRESENT') throw new Error('a stored entity was not found');
  };
  const latencies = await repeatedly(read, count, world, timed);
  await registry.close();
  await platform.close();
  return latencies;
}

async function readHttp(count: number, world: World, timed: Stopwatch): Promise<readonly number[]> {
  const server = await startServer(world);
  const load = await startLoad(world, { url: server.url, perRequest: count, seconds: SECONDS[world.size] });
  const { latencies, errors } = await timed(load.run);
  if (errors > 0) throw new Error(`${errors} requests were not served`);
  await server.close();
  return latencies.map((millis) => millis / 1000);
}

/** The server over the benchmark's entities, in this process. */
export async function startServer(world: World): Promise<Pick<RunningServer, 'url' | 'close'>> {
  const platform = openPlatform(world.folder);
  const { registry } = await serving(world);
  const online = await platform.online();
  const server = await serve({
    host: '127.0.0.1',
    port: 0,
    registry,
    online,
    functions: new Map(),
    clock: systemClock,
  });
  return {
    url: server.url,
    async close() {
      await server.close();
      await registry.close();
      await platform.close();
    },
  };
}

function mgetOf(views: number): Reader {
  return (count, world, timed) =>
    raw(count, world, timed, async (redis, ids) => {
      const keys = Array.from({ length: views }, (_, view) => ids.map((id) => keyOf(world, id, view)));
      const found = await redis.mgetBuffer(keys.flat());
      if (found[0] === null) throw new Error('a stored row was not found');
    });
}

async function readHgets(count: number, world: World, timed: Stopwatch): Promise<readonly number[]> {
  return await raw(count, world, timed, async (redis, ids) => {
    const pipeline = redis.pipeline();
    for (const id of ids) pipeline.hgetBuffer(hashOf(world, id), String(id));
    const found = await pipeline.exec();
    if (!(found?.[0]?.[1] instanceof Buffer)) throw new Error('a stored row was not found');
  });
}

async function raw(
  count: number,
  world: World,
  timed: Stopwatch,
  read: (redis: Redis, ids: readonly number[]) => Promise<void>,
): Promise<readonly number[]> {
  const redis = new Redis(process.env.REDIS_URL ?? '', { protocol: 2 });
  const latencies = await repeatedly((ids) => read(redis, ids), count, world, timed);
  await redis.quit();
  return latencies;
}

async function serving(world: World) {
  const registry = await watchRegistry({
    registry: profileRegistry(projectOf(world), timeOf('2026-01-01T00:00:00Z')),
    project: projectOf(world),
    clock: systemClock,
  });
  return { registry, planRead: createReadPlanner() };
}

/** One request after another, after a short warming up. */
async function repeatedly(
  read: (ids: readonly number[]) => Promise<void>,
  count: number,
  world: World,
  timed: Stopwatch,
): Promise<readonly number[]> {
  const entities = entitiesOf(world);
  const latencies: number[] = [];
  const until = async (end: number, note: boolean) => {
    while (performance.now() < end) {
      const ids = Array.from({ length: count }, () => Math.floor(Math.random() * entities));
      const began = performance.now();
      await read(ids);
      if (note) latencies.push((performance.now() - began) / 1000);
    }
  };
  const reader = (seconds: number, note: boolean) => until(performance.now() + seconds * 1000, note);
  await reader(SECONDS[world.size] / 3, false);
  await timed(() => reader(SECONDS[world.size], true));
  return latencies;
}
