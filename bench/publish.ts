import { mkdir } from 'node:fs/promises';
import { basename, join } from 'node:path';
import type { BatchViewSpec } from '../src/core/feature-view.ts';
import { micros, systemClock } from '../src/core/time.ts';
import { republish } from '../src/materialize/republish.ts';
import { onlineTableOf } from '../src/online/online-table.ts';
import { ByteWriter } from '../src/online/redis/byte-writer.ts';
import { rowCodec } from '../src/online/redis/codec.ts';
import type { Benchmark, Case, Size, World } from './benchmark.ts';
import { PROFILE, profileRow } from './profile-view.ts';
import { lastDays, openPlatform, runSql } from './project.ts';
import { openRedis, removeKeys, serverUse } from './raw-redis.ts';

/**
 * From committed files to Redis, by the path that `materialize --republish` takes: the newest row of each entity is
 * read, packed and compared in Redis. First everything is new, then everything is there. By hand: ioredis sets as
 * many keys to as many bytes, which it is given ready-made, and nothing is read, packed or compared.
 */
const ENTITIES: Readonly<Record<Size, number>> = { tiny: 2_000, default: 200_000, large: 1_000_000 };
/** The same rows by a key that is text. */
const NAMED: BatchViewSpec = {
  ...PROFILE,
  name: 'profile_named',
  joinKeys: [{ name: 'user_name', type: 'string' }],
};
/** Two in three entities have one row, the others a second one of an earlier or later day. */
const DAYS = 4;
const DAY = 86_400_000_000n;

export const publishing: Benchmark = {
  title: 'publish',
  usesServers: true,
  prepare: writeFiles,
  cleanUp: dropAll,
  cases: () => [
    // Each repeat finds what its first one left: the cases run in turns, in this order.
    published('first', { view: PROFILE, isFirst: true }),
    published('repeat', { view: PROFILE, isFirst: false }),
    published('text keys, first', { view: NAMED, isFirst: true }),
    published('text keys, repeat', { view: NAMED, isFirst: false }),
    setByHand,
  ],
};

const entitiesOf = ({ size, entities = ENTITIES[size] }: World) => entities;
const projectOf = ({ folder }: World) => basename(folder);
const rangeOf = (day: number) => {
  const { start } = lastDays(DAYS);
  return { start: micros(start + BigInt(day) * DAY), end: micros(start + BigInt(day + 1) * DAY) };
};

async function writeFiles(world: World): Promise<string> {
  const entities = entitiesOf(world);
  const folder = openPlatform(world.folder).config.offline;
  await mkdir(folder, { recursive: true });
  const days = Array.from({ length: DAYS }, (_, day) => day);
  const [[rows] = []] = await runSql(world, [
    ...days.map(
      (day) => `COPY (SELECT i AS user_id, 'user-' || i AS user_name,
        make_timestamp(${rangeOf(day).start} + (hash(i) % ${DAY})::BIGINT) AS __event_time,
        __event_time + INTERVAL 1 MINUTE AS __created_time, make_timestamp(${rangeOf(day).end}) AS __interval_end,
        i % 90 AS sessions, (i % 300)::INTEGER AS items, (i * 37) / 100.0::DOUBLE AS spend,
        CASE WHEN i % 5 > 0 THEN i / 7.0::DOUBLE END AS average, ['de', 'fr', 'us', 'jp'][i % 4 + 1] AS country,
        i % 2 = 0 AS active
      FROM range(${entities}) t(i) WHERE hash(i, 7) % ${DAYS} = ${day} OR hash(i, 9) % 6 = ${day}
      ORDER BY __event_time, user_id, __created_time)
      TO '${join(folder, `${day}.parquet`)}' (FORMAT parquet, COMPRESSION zstd, ROW_GROUP_SIZE 61440)`,
    ),
    `SELECT count(*) FROM '${join(folder, '*.parquet')}'`,
  ]);
  const count = (number: unknown) => Number(number).toLocaleString('en-US');
  return `${count(entities)} entities of 6 features, ${count(rows)} rows in ${DAYS} files`;
}

function published(
  name: string,
  { view, isFirst }: { readonly view: BatchViewSpec; readonly isFirst: boolean },
): Case {
  return {
    name,
    against: 'ioredis SET',
    async run(world, timed) {
      if (isFirst) await dropAll(world);
      const platform = openPlatform(world.folder);
      const { reader } = await platform.offline();
      const deps = { reader, online: await platform.online(), clock: platform.clock, ledger: committed };
      const redis = openRedis();
      const used = await serverUse(redis);
      const result = await timed(() => republish({ project: projectOf(world), view }, deps));
      const use = await serverUse(redis);
      await redis.quit();
      await platform.close();
      const each = (seconds: number) => seconds / result.published;
      return {
        done: { entities: result.published, written: result.written },
        seconds: { 'server CPU each': each(use.cpu - used.cpu) },
        bytes: isFirst ? { 'memory each': each(use.memory - used.memory) } : {},
      };
    },
  };
}

/** What republishing asks the ledger. */
const committed = {
  files: async () =>
    Array.from({ length: DAYS }, (_, day) => ({
      path: `${day}.parquet`,
      range: rangeOf(day),
      revision: 0,
    })),
};

async function dropAll(world: World): Promise<void> {
  const platform = openPlatform(world.folder);
  const online = await platform.online();
  for (const view of [PROFILE, NAMED]) await online.drop(onlineTableOf(projectOf(world), view));
  await platform.close();
}

const setByHand: Case = {
  name: 'ioredis SET',
  async run(world, timed) {
    const rows = packedRows();
    const redis = openRedis();
    const used = await serverUse(redis);
    const entities = entitiesOf(world);
    await timed(async () => {
      for (let from = 0; from < entities; from += SETS_A_PIPELINE) {
        const pipeline = redis.pipeline();
        for (let id = from; id < Math.min(from + SETS_A_PIPELINE, entities); id++) {
          pipeline.set(`${projectOf(world)}:profile:${id}`, rows[id % rows.length] as Buffer);
        }
        await pipeline.exec();
      }
    });
    const use = await serverUse(redis);
    await removeKeys(redis, `${projectOf(world)}:profile:`);
    await redis.quit();
    return {
      done: { entities },
      seconds: { 'server CPU each': (use.cpu - used.cpu) / entities },
      bytes: { 'memory each': (use.memory - used.memory) / entities },
    };
  },
};

const SETS_A_PIPELINE = 1000;

function packedRows(): readonly Buffer[] {
  const codec = rowCodec('profile', onlineTableOf('bench', PROFILE).valueTypes);
  const now = systemClock();
  return Array.from({ length: 10_000 }, (_, id) => {
    const writer = new ByteWriter(256);
    codec.encode(writer, profileRow(id, now));
    return writer.bytes.subarray(0, writer.length);
  });
}
