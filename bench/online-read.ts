import { fork } from 'node:child_process';
import { basename, join } from 'node:path';
import { Redis } from 'ioredis';
import { systemClock, timeOf } from '../src/core/time.ts';
import { onlineTableOf } from '../src/online/online-table.ts';
import { ByteWriter } from '../src/online/redis/byte-writer.ts';
import { rowCodec } from '../src/online/redis/codec.ts';
import { serve } from '../src/server/serve.ts';
import { readFeatures } from '../src/serving/read-features.ts';
import { createReadPlanner } from '../src/serving/read-plan.ts';
import { watchRegistry } from '../src/serving/registry-watch.ts';
import type { Benchmark, Case, Outcome, Size, Stopwatch, World } from './benchmark.ts';
import type { LoadRequest, LoadResult } from './http-load.ts';
import { median } from './measure.ts';
import { PROFILE, profileRegistry, profileRow, REFERENCES } from './profile-view.ts';
import { openPlatform } from './project.ts';

/**
 * Reads of random entities, several under way at once: through the library (planned, decoded, with statuses) and
 * over HTTP (the server in the measured process, the clients in another), against ioredis alone that fetches the
 * same bytes and does not look at them.
 */
const ENTITIES: Readonly<Record<Size, number>> = { tiny: 1_000, default: 100_000, large: 2_000_000 };
const SECONDS: Readonly<Record<Size, number>> = { tiny: 0.1, default: 1.5, large: 5 };
const PER_REQUEST: Readonly<Record<Size, readonly number[]>> = {
  tiny: [100],
  default: [1, 100, 500],
  large: [1, 100, 500],
};
const AT_ONCE = 16;
/** The same rows for the baselines: a key for each, and hashes of 16 fields, which Redis keeps packed. */
const keyOf = (world: World, id: number) => `${projectOf(world)}:key:${id}`;
const hashOf = (world: World, id: number) => `${projectOf(world)}:hash:${Math.floor(id / HASH_FIELDS)}`;
const HASH_FIELDS = 16;
const projectOf = ({ folder }: World) => basename(folder);

export const onlineRead: Benchmark = {
  title: 'online read',
  usesServers: true,
  prepare,
  cleanUp,
  cases: (size) =>
    PER_REQUEST[size].flatMap((count) => [
      timedCase(`library, ${count}`, count, readLibrary, `ioredis MGET, ${count}`),
      timedCase(`HTTP, ${count}`, count, readHttp, `ioredis MGET, ${count}`),
      timedCase(`ioredis MGET, ${count}`, count, readMget),
      timedCase(`ioredis HGETs, ${count}`, count, readHgets),
    ]),
};

async function prepare(world: World): Promise<string> {
  const platform = openPlatform(world.folder);
  const store = await platform.online();
  const redis = new Redis(platform.addresses.redisUrl);
  const codec = rowCodec('profile', onlineTableOf(projectOf(world), PROFILE).valueTypes);
  const entities = ENTITIES[world.size];
  let bytes = 0;
  for (let from = 0; from < entities; from += 10_000) {
    const ids = Array.from({ length: Math.min(10_000, entities - from) }, (_, i) => from + i);
    const rows = ids.map((id) => profileRow(id, platform.clock()));
    await store.write(onlineTableOf(projectOf(world), PROFILE), rows);
    const raw = redis.pipeline();
    for (const [i, id] of ids.entries()) {
      const row = rows[i];
      if (row === undefined) continue;
      const writer = new ByteWriter(256);
      codec.encode(writer, row);
      const packed = Buffer.from(writer.bytes.subarray(0, writer.length));
      bytes += packed.length;
      raw.set(keyOf(world, id), packed);
      raw.hset(hashOf(world, id), String(id), packed);
    }
    await raw.exec();
  }
  await redis.quit();
  await platform.close();
  return (
    `${entities.toLocaleString('en-US')} entities, ${PROFILE.features.length} features in ${Math.round(bytes / entities)} bytes each; ` +
    `the number in a case's name is entities per request, ${AT_ONCE} requests at once`
  );
}

async function cleanUp(world: World): Promise<void> {
  const platform = openPlatform(world.folder);
  const store = await platform.online();
  await store.drop(onlineTableOf(projectOf(world), PROFILE));
  await platform.close();
  const redis = new Redis(process.env.REDIS_URL ?? '');
  for (let from = 0; from < ENTITIES[world.size]; from += 1_000) {
    const ids = Array.from({ length: 1_000 }, (_, i) => from + i);
    await redis.unlink(...ids.map((id) => keyOf(world, id)), ...ids.map((id) => hashOf(world, id)));
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
      const latencies = await read(count, world, timed);
      const sorted = latencies.toSorted((a, b) => a - b);
      return {
        done: { requests: latencies.length, entities: latencies.length * count },
        seconds: { p50: median(sorted), p99: sorted[Math.floor(sorted.length * 0.99)] ?? Number.NaN },
      };
    },
  };
}

async function readLibrary(count: number, world: World, timed: Stopwatch): Promise<readonly number[]> {
  const platform = openPlatform(world.folder);
  const online = await platform.online();
  const { registry, planRead } = await serving(world);
  const read = async (ids: readonly number[]) => {
    const { features } = await readFeatures(
      {
        selection: { kind: 'references', references: REFERENCES },
        columns: { user_id: ids },
        fullNames: false,
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
  const request: LoadRequest = {
    url: `${server.url}/get-online-features`,
    references: REFERENCES,
    entities: ENTITIES[world.size],
    perRequest: count,
    connections: AT_ONCE,
    seconds: SECONDS[world.size],
  };
  const load = fork(join(import.meta.dirname, 'http-load.ts'), [JSON.stringify(request)]);
  const told = () => new Promise<LoadResult>((resolve) => load.once('message', resolve));
  // It has warmed the server up, and starts when it is told to.
  await told();
  const result = told();
  const { latencies } = await timed(async () => {
    load.send('start');
    return await result;
  });
  await server.close();
  await registry.close();
  await platform.close();
  return latencies;
}

async function readMget(count: number, world: World, timed: Stopwatch): Promise<readonly number[]> {
  return await raw(count, world, timed, async (redis, ids) => {
    const found = await redis.mgetBuffer(ids.map((id) => keyOf(world, id)));
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

/** `AT_ONCE` readers, each with one request after another, after a short warming up. */
async function repeatedly(
  read: (ids: readonly number[]) => Promise<void>,
  count: number,
  { size }: World,
  timed: Stopwatch,
): Promise<readonly number[]> {
  const latencies: number[] = [];
  const until = async (end: number, note: boolean) => {
    while (performance.now() < end) {
      const ids = Array.from({ length: count }, () => Math.floor(Math.random() * ENTITIES[size]));
      const began = performance.now();
      await read(ids);
      if (note) latencies.push((performance.now() - began) / 1000);
    }
  };
  const readers = (seconds: number, note: boolean) => {
    const end = performance.now() + seconds * 1000;
    return Promise.all(Array.from({ length: AT_ONCE }, () => until(end, note)));
  };
  await readers(SECONDS[size] / 3, false);
  await timed(() => readers(SECONDS[size], true));
  return latencies;
}
