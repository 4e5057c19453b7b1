import { setTimeout as sleep } from 'node:timers/promises';
import { inspect } from 'node:util';
import { Redis } from 'ioredis';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type DurationMicros, type Micros, micros } from '../../src/core/time.ts';
import type { OnlineStore } from '../../src/online/online-store.ts';
import { ByteWriter } from '../../src/online/redis/byte-writer.ts';
import { bucketKeys, entityKeyCodec } from '../../src/online/redis/key.ts';
import { createRedisOnlineStore } from '../../src/online/redis/redis-online-store.ts';
import { freePort } from '../../src/stack/ports.ts';
import { featureRow, onlineTable } from '../conformance/online-rows.ts';
import { type OwnRedis, ownRedis } from '../support/own-redis.ts';

const HOUR = 3_600_000_000n;
const DAY = 24n * HOUR;
const PREFIX = 'test';

describe('the online store in Redis', () => {
  let server: OwnRedis;
  let store: OnlineStore;
  let client: Redis;
  beforeAll(async () => {
    server = await ownRedis();
    await server.start();
    store = await createRedisOnlineStore({ url: server.url, prefix: PREFIX });
    client = new Redis(server.url, { retryStrategy: () => 50 });
    client.on('error', () => {});
  });
  afterAll(async () => {
    await store?.close();
    client?.disconnect();
    await server?.remove();
  });

  const unavailable = expect.objectContaining({ code: 'STORE_UNAVAILABLE' });
  const rows = (count: number) =>
    Array.from({ length: count }, (_, i) => featureRow([BigInt(i)], [BigInt(i)]));

  async function count(table: Parameters<OnlineStore['scan']>[0]): Promise<number> {
    let found = 0;
    for await (const batch of store.scan(table)) found += batch.length;
    return found;
  }

  async function untilItAnswers(asked = store): Promise<number> {
    const start = performance.now();
    for (;;) {
      try {
        await asked.ping();
        return performance.now() - start;
      } catch (error) {
        if (performance.now() - start > 10_000) throw error;
        await new Promise((resolve) => setTimeout(resolve, 20));
      }
    }
  }

  it('stores no row beyond the limit, also in place of another, and says which one it was', async () => {
    const tight = await createRedisOnlineStore({ url: server.url, prefix: PREFIX, maxRowBytes: 1000 });
    const table = onlineTable({ valueTypes: ['string'] });
    const small = featureRow([1n], ['a']);
    const large = featureRow([2n], ['x'.repeat(1000)]);
    const refused = {
      code: 'TOO_LARGE',
      message: expect.stringMatching(
        /^Cannot store a row of view "activity" at version 1: that of the key 2 takes /,
      ),
    };
    await expect(tight.write(table, [small, large])).rejects.toMatchObject(refused);
    await tight.write(table, [small]);
    const withdrawal = { key: large.key, was: small, instead: large };
    await expect(tight.withdraw(table, [withdrawal])).rejects.toMatchObject(refused);
    expect(await count(table)).toBe(1);
    await tight.close();
  });

  it('goes on with a read that takes longer because this process is busy', async () => {
    const hasty = await createRedisOnlineStore({ url: server.url, prefix: PREFIX, timeoutMs: 300 });
    const table = onlineTable({ valueTypes: ['string'] });
    const large = Array.from({ length: 12 }, (_, i) => featureRow([BigInt(i)], ['x'.repeat(1_000_000)]));
    await store.write(table, large);
    const begun = performance.now();
    const reading = hasty.read([{ table, keys: large.map(({ key }) => key) }]);
    // In each turn some of the replies are taken, and somebody else keeps the process busy.
    const busy = () => {
      const until = performance.now() + 100;
      while (performance.now() < until);
      if (until - begun < 700) setImmediate(busy);
    };
    setImmediate(busy);
    expect(await reading).toEqual([large]);
    await hasty.close();
  });

  it('reads no more at once than the limit, and goes on with the next', async () => {
    const tight = await createRedisOnlineStore({ url: server.url, prefix: PREFIX, maxReadBytes: 10_000 });
    const table = onlineTable({ valueTypes: ['string'] });
    const ten = Array.from({ length: 10 }, (_, i) => featureRow([BigInt(i)], ['x'.repeat(2000)]));
    await tight.write(table, ten);
    const [most, few] = await Promise.allSettled([
      tight.read([{ table, keys: ten.map(({ key }) => key) }]),
      tight.read([{ table, keys: [[0n]] }]),
    ]);
    expect(most).toMatchObject({ status: 'rejected', reason: { code: 'TOO_LARGE' } });
    expect(few).toMatchObject({ status: 'fulfilled', value: [[ten[0]]] });
    await tight.close();
  });

  it('tells the place of a row: the bucket that it is written to', async () => {
    for (const [type, key] of [
      ['int64', 2n ** 60n],
      ['string', 'user-1'],
      ['string', 'é|{x}\0'.repeat(1000)],
    ] as const) {
      const table = onlineTable({ keyTypes: [type, type] });
      await store.write(table, [featureRow([key, key], [1n])]);
      const place = store.placeOf?.(table)([key, key]) ?? Number.NaN;
      expect(await client.hlen(bucketKeys(PREFIX, table, new ByteWriter()).at(place))).toBe(1);
    }
  });

  describe('when the server has forgotten the scripts', () => {
    it('writes many chunks at once, reads, scans and drops as before', async () => {
      const table = onlineTable();
      await client.script('FLUSH');
      expect(await store.write(table, rows(10_000))).toEqual({ written: 10_000, unchanged: 0 });
      await client.script('FLUSH');
      const [found] = await store.read([{ table, keys: rows(3000).map((row) => row.key) }]);
      expect(found).toEqual(rows(3000));
      await client.script('FLUSH');
      expect(await count(table)).toBe(10_000);
      await client.script('FLUSH');
      expect(await store.drop(table)).toBe(10_000);
    });
  });

  describe('a row with a TTL', () => {
    const now = micros(1_700_000_000_000_000n);
    const ttl = HOUR as DurationMicros;

    async function storeAt(clock: () => Micros): Promise<OnlineStore> {
      return createRedisOnlineStore({ url: server.url, prefix: PREFIX, clock });
    }

    it('is kept for the TTL and a day more, counted by the clock it was given, from its event time', async () => {
      const past = await storeAt(() => now);
      const table = onlineTable({ ttl });
      await past.write(table, [featureRow([1n], [1n], { event: now - 5n * HOUR })]);
      const key = keyOf(table, 1n);
      expect(await client.pttl(key)).toBeGreaterThan(Number(20n * HOUR) / 1000 - 5000);
      // A little longer, so that rows that follow soon after need not put it off again.
      expect(await client.pttl(key)).toBeLessThanOrEqual(Number(21n * HOUR) / 1000);
      // A neighbour that would go sooner does not shorten it, one that stays longer does prolong it.
      await past.write(table, [featureRow([2n], [1n], { event: now - 6n * HOUR })]);
      expect(await client.pttl(key)).toBeGreaterThan(Number(20n * HOUR) / 1000 - 5000);
      await past.write(table, [featureRow([3n], [1n], { event: now - HOUR })]);
      expect(await client.pttl(key)).toBeGreaterThan(Number(24n * HOUR) / 1000 - 5000);
      await past.close();
    });

    it('is not written when it is past that already, which counts as unchanged', async () => {
      const past = await storeAt(() => now);
      const table = onlineTable({ ttl });
      const late = featureRow([1n], [1n], { event: now - DAY - HOUR });
      const kept = featureRow([2n], [1n], { event: now - DAY - HOUR + 2_000_000n });
      expect(await past.write(table, [late, kept])).toEqual({ written: 1, unchanged: 1 });
      expect(await past.read([{ table, keys: [[1n], [2n]] }])).toEqual([[undefined, kept]]);
      await past.close();
    });

    it('does not make older neighbours without one go: it only comes to all when the view gets a TTL', async () => {
      const past = await storeAt(() => now);
      const table = onlineTable();
      await past.write(table, [featureRow([1n], [1n], { event: now })]);
      expect(await client.pttl(keyOf(table, 1n))).toBe(-1);
      await past.write({ ...table, ttl }, [featureRow([2n], [1n], { event: now - 20n * HOUR })]);
      expect(await client.pttl(keyOf(table, 1n))).toBeGreaterThan(Number(25n * HOUR) / 1000 - 5000);
      await past.close();
    });

    it('stays for ever once its view has no TTL any more', async () => {
      const now = micros(BigInt(Date.now()) * 1000n);
      const table = onlineTable({ ttl });
      await store.write(table, [featureRow([1n], [1n], { event: now - 5n * HOUR })]);
      expect(await client.pttl(keyOf(table, 1n))).toBeGreaterThan(0);
      await store.write({ ...table, ttl: null }, [featureRow([2n], [1n], { event: now })]);
      expect(await client.pttl(keyOf(table, 1n))).toBe(-1);
    });

    it('stays as long as a raised TTL says once it is published again', async () => {
      const past = await storeAt(() => now);
      const table = onlineTable({ ttl });
      const row = featureRow([1n], [1n], { event: now - HOUR });
      await past.write(table, [row]);
      const raised = { ...table, ttl: (9n * DAY) as DurationMicros };
      expect(await past.write(raised, [row])).toEqual({ written: 0, unchanged: 1 });
      expect(await client.pttl(keyOf(table, 1n))).toBeGreaterThan(Number(17n * DAY) / 1000);
      await past.close();
    });

    it('goes when it is past its time though its bucket gains new entities for ever', async () => {
      let time: bigint = now;
      const moving = await storeAt(() => micros(time));
      const table = onlineTable({ ttl });
      const keys = keysInOneBucket(384);
      const writeAll = async (ids: readonly bigint[]) => {
        for (const id of ids) await moving.write(table, [featureRow([id], [1n], { event: time })]);
      };
      await writeAll(keys.slice(0, 16));
      time += 2n * DAY;
      await writeAll(keys.slice(16));
      // Sweeping is left to chance: that none of 368 additions finds one of the 16 happens once in 10^21 runs.
      expect(await client.hlen(keyOf(table, keys[0]!))).toBe(368);
      await moving.close();
    });
  });

  describe('when Redis says no', () => {
    it('is unavailable while the memory of the server is full, and names the reason', async () => {
      await client.config('SET', 'maxmemory', '1');
      try {
        await expect(store.write(onlineTable(), rows(1))).rejects.toThrow(/127\.0\.0\.1:\d+.*OOM/);
        await expect(store.write(onlineTable(), rows(1))).rejects.toEqual(unavailable);
      } finally {
        await client.config('SET', 'maxmemory', '0');
      }
      expect(await store.write(onlineTable(), rows(1))).toEqual({ written: 1, unchanged: 0 });
    });

    it('says that a key was replaced by something else', async () => {
      const table = onlineTable();
      await client.set(keyOf(table, 1n), 'x');
      const corrupt = expect.objectContaining({ code: 'STORE_CORRUPT' });
      await expect(store.read([{ table, keys: [[1n]] }])).rejects.toEqual(corrupt);
      await expect(store.write(table, rows(2))).rejects.toEqual(corrupt);
    });

    it('answers many calls at once each with its own rows, also beside one that fails', async () => {
      const tables = [onlineTable(), onlineTable(), onlineTable()] as const;
      const keys = rows(200).map((row) => row.key);
      await Promise.all(
        tables.map((table, t) =>
          store.write(
            table,
            rows(200).map((row) => ({ ...row, values: [BigInt(t)] })),
          ),
        ),
      );
      const broken = onlineTable();
      await client.set(keyOf(broken, 16n), 'x');
      const calls = Array.from({ length: 60 }, (_, i) => {
        const table = tables[i % 3]!;
        if (i % 10 === 5)
          return store.read([{ table: broken, keys }]).then(
            () => 'read',
            (error) => error.code,
          );
        if (i % 10 === 7) return store.write(table, rows(200)).then((result) => result.unchanged);
        return store
          .read([{ table, keys }])
          .then(([found]) => found?.every((row) => row?.values[0] === BigInt(i % 3)));
      });
      const expected = calls.map((_, i) => (i % 10 === 5 ? 'STORE_CORRUPT' : i % 10 === 7 ? 200 : true));
      expect(await Promise.all(calls)).toEqual(expected);
    });

    it('writes nothing when a key in the middle of many rows is wrong', async () => {
      const table = onlineTable();
      const wrong = [...rows(5000), featureRow(['5'], [1n])];
      await expect(store.write(table, wrong)).rejects.toEqual(
        expect.objectContaining({ code: 'REQUEST_INVALID' }),
      );
      expect(await count(table)).toBe(0);
    });
  });

  describe('when Redis is away', () => {
    it('fails at once, and is back by itself with all rows after a restart', async () => {
      const table = onlineTable();
      await store.write(table, rows(500));
      await server.stop('SIGTERM');
      for (const call of [
        () => store.ping(),
        () => store.read([{ table, keys: [[1n]] }]),
        () => store.write(table, rows(1)),
        () => store.drop(table),
        () => store.scan(table)[Symbol.asyncIterator]().next(),
      ]) {
        const start = performance.now();
        await expect(call()).rejects.toEqual(unavailable);
        expect(performance.now() - start).toBeLessThan(1000);
        // In words, not in those of the client.
        await expect(call()).rejects.toThrow(/is closed|ECONNREFUSED/);
      }
      await server.start();
      expect(await untilItAnswers()).toBeLessThan(3000);
      expect(await store.read([{ table, keys: [[499n]] }])).toEqual([[rows(500)[499]]]);
    });

    it('loses nothing of a write that is repeated after the server was killed in its middle', async () => {
      const table = onlineTable();
      const many = rows(150_000);
      const write = store.write(table, many);
      setTimeout(() => server.stop('SIGKILL'), 60);
      await expect(write).rejects.toEqual(unavailable);
      await server.start();
      await untilItAnswers();
      const { written, unchanged } = await store.write(table, many);
      expect(written + unchanged).toBe(many.length);
      expect(await count(table)).toBe(many.length);
    });

    it('fails within its time limit when the server hangs, and goes on when it does', async () => {
      const table = onlineTable();
      const timeoutMs = 300;
      const hasty = await createRedisOnlineStore({ url: server.url, prefix: PREFIX, timeoutMs });
      await hasty.write(table, rows(3));
      server.signal('SIGSTOP');
      const start = performance.now();
      await expect(hasty.read([{ table, keys: [[1n]] }])).rejects.toEqual(unavailable);
      expect(performance.now() - start).toBeLessThan(1500);
      // Who comes later does not wait behind it.
      const later = performance.now();
      await expect(hasty.read([{ table, keys: [[1n]] }])).rejects.toEqual(unavailable);
      expect(performance.now() - later).toBeLessThan(timeoutMs);
      // Nor who writes, once a write has been given its time.
      await expect(hasty.write(table, rows(3))).rejects.toEqual(unavailable);
      for (let times = 0; times < 15; times++) {
        const write = performance.now();
        await expect(hasty.write(table, rows(3))).rejects.toEqual(unavailable);
        expect(performance.now() - write).toBeLessThan(timeoutMs);
        await sleep(70);
      }
      await expect(hasty.write(table, rows(3))).rejects.toThrow('it has not answered for too long');
      server.signal('SIGCONT');
      await untilItAnswers(hasty);
      expect(await hasty.write(table, rows(3))).toMatchObject({ written: 0, unchanged: 3 });
      expect(await hasty.read([{ table, keys: [[2n], [0n]] }])).toEqual([[rows(3)[2], rows(3)[0]]]);
      await hasty.close();
      await expect(hasty.ping()).rejects.toEqual(unavailable);
    });
  });
});

describe('making an online store in Redis', () => {
  it('fails fast when nobody listens there, naming the place and no password', async () => {
    const port = await freePort();
    const start = performance.now();
    const error = await createRedisOnlineStore({ url: `redis://someone:s3cret@127.0.0.1:${port}/2` }).catch(
      (thrown) => thrown,
    );
    expect(performance.now() - start).toBeLessThan(2000);
    expect(error).toMatchObject({ code: 'STORE_UNAVAILABLE' });
    expect(error.message).toContain(`127.0.0.1:${port}`);
    expect(error.message).toContain('ECONNREFUSED');
    expect(inspect(error, { depth: 10 })).not.toContain('s3cret');
  });

  it('fails when the password is wrong, without telling it', async () => {
    const server = await ownRedis(['--requirepass', 'right']);
    try {
      await server.start();
      const error = await createRedisOnlineStore({ url: `redis://:s3cret@127.0.0.1:${server.port}` }).catch(
        (thrown) => thrown,
      );
      expect(error).toMatchObject({
        code: 'STORE_UNAVAILABLE',
        message: expect.stringContaining('WRONGPASS'),
      });
      expect(inspect(error, { depth: 10 })).not.toContain('s3cret');
      const store = await createRedisOnlineStore({ url: `redis://:right@127.0.0.1:${server.port}` });
      await store.ping();
      await store.close();
    } finally {
      await server.remove();
    }
  });

  it.each(['', 'localhost:6379', 'http://localhost', 'redis://'])('refuses the address "%s"', async (url) => {
    await expect(createRedisOnlineStore({ url })).rejects.toEqual(
      expect.objectContaining({ code: 'CONFIG_INVALID' }),
    );
  });

  it('refuses a prefix that would decide on the cluster slot', async () => {
    await expect(createRedisOnlineStore({ url: 'redis://127.0.0.1', prefix: '{a}' })).rejects.toEqual(
      expect.objectContaining({ code: 'CONFIG_INVALID' }),
    );
  });
});

function bucketOf(id: bigint): number {
  return entityKeyCodec('', ['int64']).encode(new ByteWriter(16), [id]);
}

function keyOf(table: ReturnType<typeof onlineTable>, id: bigint): Buffer {
  return bucketKeys(PREFIX, table, new ByteWriter()).at(bucketOf(id));
}

function keysInOneBucket(size: number): readonly bigint[] {
  const keys: bigint[] = [];
  const codec = entityKeyCodec('', ['int64']);
  const writer = new ByteWriter(64);
  for (let group = 0n; keys.length < size; group++) {
    writer.length = 0;
    if (codec.encode(writer, [group * 16n]) !== 7) continue;
    for (let i = 0n; i < 16n; i++) keys.push(group * 16n + i);
  }
  return keys.slice(0, size);
}
