import { basename } from 'node:path';
import { systemClock } from '../src/core/time.ts';
import { onlineTableOf } from '../src/online/online-table.ts';
import { ByteWriter } from '../src/online/redis/byte-writer.ts';
import { packedTables } from '../src/online/redis/packed-table.ts';
import { ScriptCall } from '../src/online/redis/resp.ts';
import { type Script, WRITE } from '../src/online/redis/script.ts';
import { writeCalls } from '../src/online/redis/write-calls.ts';
import type { Benchmark, Case, Outcome, Size, World } from './benchmark.ts';
import { COMPARED, NX_FIRST, SMALL_BUCKETS } from './layout-scripts.ts';
import { PROFILE, profileRow } from './profile-view.ts';
import { connectRaw, openRedis, type RawCalls, removeKeys, serverUse } from './raw-redis.ts';

/**
 * Ways to lay a view's rows out in Redis, written by one socket with the same packed rows, so that only the server's
 * work differs: all entities are new ("first"), and then all are there and equal ("repeat"). The bytes are made
 * before the time begins. Entities come in the order of their ids, or in a random one.
 */
const ENTITIES: Readonly<Record<Size, number>> = { tiny: 2_000, default: 200_000, large: 1_000_000 };
const entitiesOf = ({ size, entities = ENTITIES[size] }: World) => entities;
const ROWS_A_CALL = 1000;

export const onlineLayouts: Benchmark = {
  title: 'online layouts',
  usesServers: true,
  prepare: async (world) =>
    `${entitiesOf(world).toLocaleString('en-US')} entities, ${PROFILE.features.length} features, ${ROWS_A_CALL} rows a call`,
  cases: () => [
    layout('SET, not compared', plainSets),
    layout('key each, GETRANGE then SET', keyEach(COMPARED)),
    layout('key each, SET NX first', keyEach(NX_FIRST)),
    layout('one hash', oneHash),
    layout('hashes of 64', hashesOf64),
    layout('buckets', buckets),
    layout('buckets, random order', (world, ids) => buckets(world, shuffled(ids))),
  ],
};

type Layout = (world: World, ids: readonly number[]) => Iterable<RawCalls>;

function layout(name: string, make: Layout): Case {
  return {
    name,
    against: 'SET, not compared',
    async run(world, timed): Promise<Outcome> {
      const redis = openRedis();
      for (const { lua } of [COMPARED, NX_FIRST, SMALL_BUCKETS, WRITE.single])
        await redis.script('LOAD', lua);
      const entities = entitiesOf(world);
      const ids = Array.from({ length: entities }, (_, id) => id);
      const calls = [...make(world, ids)];
      const raw = await connectRaw(process.env.REDIS_URL ?? '');
      const before = await serverUse(redis);
      await timed(() => raw.sendAll(calls));
      const first = await serverUse(redis);
      const began = performance.now();
      await raw.sendAll(calls);
      const repeat = (performance.now() - began) / 1000;
      const after = await serverUse(redis);
      raw.close();
      await removeKeys(redis, prefixOf(world));
      await redis.quit();
      const each = (seconds: number) => seconds / entities;
      return {
        done: { entities },
        seconds: {
          repeat,
          'server CPU each': each(first.cpu - before.cpu),
          'on repeat': each(after.cpu - first.cpu),
        },
        bytes: { 'memory each': (first.memory - before.memory) / entities },
      };
    },
  };
}

const prefixOf = ({ folder }: World) => `${basename(folder)}:`;

function packedTable(world: World) {
  return packedTables(prefixOf(world))(onlineTableOf(basename(world.folder), PROFILE));
}

/** The present is not the same for each row by chance, but for a whole call. */
function* packedRows(
  world: World,
  ids: readonly number[],
): Generator<{ id: number; field: Buffer; row: Buffer }> {
  const { entities, rows } = packedTable(world);
  const now = systemClock();
  const writer = new ByteWriter(256);
  for (const id of ids) {
    const row = profileRow(id, now);
    writer.length = 0;
    entities.encode(writer, row.key);
    const end = writer.length;
    rows.encode(writer, row);
    yield {
      id,
      field: Buffer.from(writer.bytes.subarray(0, end)),
      row: Buffer.from(writer.bytes.subarray(end, writer.length)),
    };
  }
}

function* plainSets(world: World, ids: readonly number[]): Generator<RawCalls> {
  const writer = new ByteWriter(256 * 1024);
  let count = 0;
  const bulk = (bytes: Buffer) => {
    writer.raw(Buffer.from(`$${bytes.length}\r\n`));
    writer.raw(bytes);
    writer.raw(CRLF);
  };
  for (const { field, row } of packedRows(world, ids)) {
    writer.raw(SET);
    bulk(entityKey(world, field));
    bulk(row);
    count += 1;
    if (count < ROWS_A_CALL) continue;
    yield { bytes: Buffer.from(writer.bytes.subarray(0, writer.length)), count };
    writer.length = 0;
    count = 0;
  }
  if (count > 0) yield { bytes: Buffer.from(writer.bytes.subarray(0, writer.length)), count };
}

const SET = Buffer.from('*3\r\n$3\r\nSET\r\n');
const CRLF = Buffer.from('\r\n');

/** As long as it must be to keep projects, views and versions apart. */
function entityKey(world: World, field: Buffer): Buffer {
  return Buffer.concat([Buffer.from(`${prefixOf(world)}profile1:`), field]);
}

/** A key and a row for each entity. */
function keyEach(script: Script): Layout {
  return function* calls(world, ids) {
    const rows = [...packedRows(world, ids)];
    const keys = rows.map(({ field }) => entityKey(world, field));
    for (let from = 0; from < rows.length; from += ROWS_A_CALL) {
      const chunk = rows.slice(from, from + ROWS_A_CALL);
      yield scriptCall(
        script,
        keys.slice(from, from + ROWS_A_CALL),
        chunk.map(({ row }) => row),
      );
    }
  };
}

function* oneHash(world: World, ids: readonly number[]): Generator<RawCalls> {
  const key = Buffer.from(`${prefixOf(world)}profile1`);
  yield* hashCalls(packedRows(world, ids), () => key);
}

/** As many buckets as entities ask for: the ids that differ only in their last six bits. */
function* hashesOf64(world: World, ids: readonly number[]): Generator<RawCalls> {
  yield* hashCalls(packedRows(world, ids), (id) => Buffer.from(`${prefixOf(world)}profile1:${id >> 6}`));
}

/** For each hash the number of its rows, then field, row, field, row. */
function* hashCalls(
  all: Iterable<{ id: number; field: Buffer; row: Buffer }>,
  keyOf: (id: number) => Buffer,
): Generator<RawCalls> {
  const rows = [...all];
  for (let from = 0; from < rows.length; from += ROWS_A_CALL) {
    const keys: Buffer[] = [];
    const groups: Buffer[][] = [];
    for (const { id, field, row } of rows.slice(from, from + ROWS_A_CALL)) {
      const key = keyOf(id);
      if (keys.at(-1)?.equals(key) !== true) {
        keys.push(key);
        groups.push([]);
      }
      groups.at(-1)?.push(field, row);
    }
    const counted = groups.flatMap((group) => [Buffer.from(String(group.length / 2)), ...group]);
    yield scriptCall(SMALL_BUCKETS, keys, counted);
  }
}

function scriptCall(script: Script, keys: readonly Buffer[], rest: readonly Buffer[]): RawCalls {
  const call = new ScriptCall(SCRATCH, script, keys.length);
  for (const bytes of [...keys, ...rest]) call.bytes(bytes, 0, bytes.length);
  return { bytes: call.finish(), count: 1 };
}

const SCRATCH = new ByteWriter(256 * 1024);

/** What Tidemark sends, batch by batch as rows are read from files. */
function* buckets(world: World, ids: readonly number[]): Generator<RawCalls> {
  const table = packedTable(world);
  const now = systemClock();
  for (let from = 0; from < ids.length; from += BATCH_ROWS) {
    const rows = ids.slice(from, from + BATCH_ROWS).map((id) => profileRow(id, now));
    for (const { bytes } of writeCalls(WRITE.single, table, rows, now, SCRATCH)) yield { bytes, count: 1 };
  }
}

const BATCH_ROWS = 8_000;

function shuffled(ids: readonly number[]): readonly number[] {
  const hash = (id: number) => Math.imul(id ^ (id >>> 15), 0x2c1b3c6d) >>> 0;
  return ids.toSorted((a, b) => hash(a) - hash(b));
}
