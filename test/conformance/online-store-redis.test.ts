import { createRedisOnlineStore } from '../../src/online/redis/redis-online-store.ts';
import { services } from '../support/services.ts';
import { onlineStoreConformance } from './online-store.ts';

onlineStoreConformance('Redis', () =>
  createRedisOnlineStore({ url: services().redisUrl, prefix: 'conformance' }),
);
