import { afterAll } from 'vitest';
import { createRedisOnlineStore } from '../../src/online/redis/redis-online-store.ts';
import { type OwnRedisCluster, ownRedisCluster } from '../support/own-redis-cluster.ts';
import { onlineStoreConformance } from './online-store.ts';

let cluster: Promise<OwnRedisCluster> | undefined;

onlineStoreConformance('a Redis Cluster of three', async () => {
  cluster ??= ownRedisCluster();
  return createRedisOnlineStore({ url: (await cluster).url, prefix: 'conformance' });
});

afterAll(async () => (await cluster)?.remove());
