import { postgres } from './postgres.ts';
import { redis } from './redis.ts';
import type { Server } from './server.ts';
import { temporal } from './temporal.ts';

/** All of the embedded stack, in the order in which they are told. */
export const SERVERS: readonly Server[] = [postgres, redis, temporal];
