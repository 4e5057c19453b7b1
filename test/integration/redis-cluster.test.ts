import { setTimeout as sleep } from 'node:timers/promises';
import { inspect } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { OnlineStore, OnlineTable } from '../../src/online/online-store.ts';
import { createRedisOnlineStore } from '../../src/online/redis/redis-online-store.ts';
import { featureRow, onlineTable } from '../conformance/online-rows.ts';
import { type OwnRedisCluster, ownRedisCluster } from '../support/own-redis-cluster.ts';

const unavailable = expect.objectContaining({ code: 'STORE_UNAVAILABLE' });

const rows = (count: number, value = 0n) =>
  Array.from({ length: count }, (_, i) =>
    featureRow([BigInt(i)], [BigInt(i) + value], { event: 1_700_000_000_000_000n + value }),
  );

describe('the online store in a Redis Cluster of three', () => {
  let cluster: OwnRedisCluster;
  let store: OnlineStore;
  beforeAll(async () => {
    cluster = await ownRedisCluster();
    store = await createRedisOnlineStore({ url: cluster.url });
  });
  afterAll(async () => {
    await store?.close();
    await cluster?.remove();
  });

  async function count(table: OnlineTable): Promise<number> {
    let found = 0;
    for await (const batch of store.scan(table)) found += batch.length;
    return found;
  }

  async function valuesOf(table: OnlineTable, total: number) {
    const keys = rows(total).map(({ key }) => key);
    const [found] = await store.read([{ table, keys }]);
    return found?.map((row) => row?.values[0]);
  }

  it('spreads a table evenly over the nodes', async () => {
    const table = onlineTable();
    expect(await store.write(table, rows(30_000))).toEqual({ written: 30_000, unchanged: 0 });
    const sizes = await Promise.all(cluster.clients.map((client) => client.dbsize()));
    for (const size of sizes) expect(size / sizes.reduce((sum, each) => sum + each)).toBeCloseTo(1 / 3, 1);
    expect(await valuesOf(table, 30_000)).toEqual(rows(30_000).map(({ values }) => values[0]));
    expect(await store.drop(table)).toBe(30_000);
  });

  it('teaches every node its scripts anew when they were flushed', async () => {
    const table = onlineTable();
    await Promise.all(cluster.clients.map((client) => client.script('FLUSH')));
    expect(await store.write(table, rows(5_000))).toEqual({ written: 5_000, unchanged: 0 });
    await Promise.all(cluster.clients.map((client) => client.script('FLUSH')));
    expect(await count(table)).toBe(5_000);
    await Promise.all(cluster.clients.map((client) => client.script('FLUSH')));
    expect(await store.drop(table)).toBe(5_000);
  });

  it('answers every call while slots move to another node and back', async () => {
    const table = onlineTable();
    await store.write(table, rows(3_000));
    let isMoving = true;
    const moving = (async () => {
      // Those of the first node, a few at a time; the cluster has told nobody of it.
      for (const to of [1, 2, 0])
        for (let slot = 0; slot < 20; slot++) await cluster.moveSlot(slot * 100, to);
      isMoving = false;
    })();
    let round = 0n;
    while (isMoving) {
      round += 1n;
      await store.write(table, rows(3_000, round));
      expect(await valuesOf(table, 3_000)).toEqual(rows(3_000, round).map(({ values }) => values[0]));
    }
    await moving;
    expect(round).toBeGreaterThan(3n);
    expect(await count(table)).toBe(3_000);
    expect(await store.drop(table)).toBe(3_000);
  });

  it('fails at once for rows of a node that is away, and loses nothing of what is repeated when it is back', async () => {
    const table = onlineTable();
    const failing = (async (): Promise<never> => {
      for (let value = 0n; ; value++) await store.write(table, rows(20_000, value));
    })();
    setTimeout(() => cluster.servers[1]?.stop('SIGKILL'), 300);
    await expect(failing).rejects.toEqual(unavailable);
    const start = performance.now();
    await expect(valuesOf(table, 3_000)).rejects.toEqual(unavailable);
    expect(performance.now() - start).toBeLessThan(1_500);
    await cluster.servers[1]?.start();
    await cluster.whole();
    for (let tries = 0; tries < 200; tries++) {
      if (
        await store.ping().then(
          () => true,
          () => false,
        )
      )
        break;
      await sleep(25);
    }
    const last = rows(20_000, 1_000n);
    expect(await store.write(table, last)).toEqual({ written: 20_000, unchanged: 0 });
    expect(await valuesOf(table, 20_000)).toEqual(last.map(({ values }) => values[0]));
    expect(await count(table)).toBe(20_000);
  });
});

describe('a Redis Cluster with a replica', () => {
  it('is used on by itself when the replica has taken over', async () => {
    const cluster = await ownRedisCluster();
    try {
      await cluster.addReplicaOf(0);
      const store = await createRedisOnlineStore({ url: cluster.url });
      const table = onlineTable();
      await store.write(table, rows(3_000));
      // The copy is made behind the answer.
      await sleep(300);
      await cluster.servers[0]?.stop('SIGKILL');
      await expect(store.write(table, rows(3_000, 1n))).rejects.toEqual(unavailable);
      const again = () =>
        store.write(table, rows(3_000, 1n)).then(
          ({ written, unchanged }) => written + unchanged,
          () => 0,
        );
      await expect.poll(again, { timeout: 30_000, interval: 100 }).toBe(3_000);
      const [found] = await store.read([{ table, keys: rows(3_000).map(({ key }) => key) }]);
      expect(found).toEqual(rows(3_000, 1n));
      await store.close();
    } finally {
      await cluster.remove();
    }
  });
});

describe('a Redis Cluster with a password', () => {
  it('is used with that password on every node, and it is never told', async () => {
    const cluster = await ownRedisCluster('s3cret');
    try {
      const store = await createRedisOnlineStore({ url: cluster.url });
      const table = onlineTable();
      expect(await store.write(table, rows(300))).toEqual({ written: 300, unchanged: 0 });
      await cluster.servers[2]?.stop('SIGKILL');
      const error = await store.write(table, rows(300)).catch((thrown: unknown) => thrown);
      expect(error).toEqual(unavailable);
      expect(inspect(error, { depth: 10 })).not.toContain('s3cret');
      await store.close();
    } finally {
      await cluster.remove();
    }
  });
});
