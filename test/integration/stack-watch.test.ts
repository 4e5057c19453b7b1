import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Redis } from 'ioredis';
import pg from 'pg';
import { expect, test } from 'vitest';
import type { Config } from '../../src/config.ts';
import { homeAt } from '../../src/stack/home.ts';
import type { ServerName } from '../../src/stack/server-name.ts';
import { startStack, stopStack } from '../../src/stack/stack.ts';
import { stackStatus } from '../../src/stack/stack-status.ts';
import { readState } from '../../src/stack/state.ts';
import { tidemark } from '../support/command-line.ts';
import { isThere } from '../support/is-there.ts';
import { services } from '../support/services.ts';
import { alive, freshConfig, pids } from '../support/stack-home.ts';

const root = join(import.meta.dirname, '../..');

function pidOf(config: Config, name: ServerName): number {
  return readState(homeAt(config.home)).servers[name]?.pid ?? 0;
}

/** Resolves when another process of that server answers, and is looked after: one that dies in its start is another case. */
async function killed(config: Config, name: ServerName, said: () => string): Promise<void> {
  const again = () => said().split('runs again.').length;
  const times = again();
  const before = pidOf(config, name);
  process.kill(before, 'SIGKILL');
  const state = async () => {
    const now = (await stackStatus(config)).find((status) => status.name === name);
    return now?.pid === before ? 'not noticed' : now?.state;
  };
  await expect.poll(state, { timeout: 30_000, interval: 50 }).toBe('running');
  await expect.poll(again, { timeout: 30_000, interval: 50 }).toBe(times + 1);
}

/** A home where only Redis is embedded. */
function redisOnly(): Config {
  const { databaseUrl, temporalAddress } = services();
  return freshConfig({ DATABASE_URL: databaseUrl, TEMPORAL_ADDRESS: temporalAddress });
}

test('a server that ends by itself is started again at its port, with its data, and that is said', async () => {
  const config = freshConfig();
  const said: string[] = [];
  const stack = await startStack(config, { onProgress: (line) => said.push(line) });
  const ports = readState(homeAt(config.home)).ports;
  const redis = new Redis(stack.addresses.redisUrl, { retryStrategy: () => 100 });
  const database = new pg.Pool({ connectionString: stack.addresses.databaseUrl });
  for (const client of [redis, database]) client.on('error', () => {});
  await redis.set('kept', 'yes');
  await database.query('CREATE TABLE kept AS SELECT 42 AS answer');
  said.length = 0;
  for (const name of ['redis', 'postgres', 'temporal'] as const)
    await killed(config, name, () => said.join('\n'));
  expect(said).toEqual([
    `Redis ended unexpectedly (signal SIGKILL): starting it again on port ${ports.redis}.`,
    'Redis runs again.',
    `Postgres ended unexpectedly (signal SIGKILL): starting it again on port ${ports.postgres}.`,
    'Postgres runs again.',
    `Temporal ended unexpectedly (signal SIGKILL): starting it again on port ${ports.temporal}.`,
    'Temporal runs again.',
  ]);
  expect(readState(homeAt(config.home)).ports).toEqual(ports);
  expect(await redis.get('kept')).toBe('yes');
  expect((await database.query('SELECT answer FROM kept')).rows).toEqual([{ answer: 42 }]);
  redis.disconnect();
  await database.end();

  const running = alive(config);
  expect(running).toHaveLength(3);
  await stack.stop();
  await sleep(1_200);
  expect(pids(config)).toEqual([]);
  expect(running.filter(({ pid }) => isThere(pid))).toEqual([]);
});

test('what another command stops is not started again', async () => {
  const config = redisOnly();
  const said: string[] = [];
  const stack = await startStack(config, { onProgress: (line) => said.push(line) });
  await stopStack(config);
  await expect
    .poll(() => said.at(-1), { timeout: 30_000 })
    .toBe('Redis was stopped by another command, and is not started again.');
  expect(pids(config)).toEqual([]);
  await stack.stop();
});

test('servers that were handed to a detached stack are not started again', async () => {
  const config = redisOnly();
  const stack = await startStack(config);
  await startStack(config, { detached: true });
  process.kill(pidOf(config, 'redis'), 'SIGKILL');
  await sleep(1_500);
  expect(alive(config)).toEqual([]);
  await stack.stop();
});

test('a server of a detached stack that has ended is told by status, and started again and left running by the next command', async () => {
  const config = redisOnly();
  const { addresses } = await startStack(config, { detached: true });
  const env = {
    TIDEMARK_HOME: config.home,
    TIDEMARK_CACHE: config.cache,
    DATABASE_URL: services().databaseUrl,
    TEMPORAL_ADDRESS: '127.0.0.1:1',
  };
  const pid = pidOf(config, 'redis');
  const ended = `Redis (process ${pid}), left running by tidemark stack up, has ended: `;
  const log = join(config.home, 'logs/redis.log');
  const status = async () => (await tidemark(['stack', 'status'], { env })).stdout.trimEnd().split('\n');
  const { host } = new URL(addresses.redisUrl);
  expect((await status())[2]).toMatch(new RegExp(`^redis +running +${host} +${pid}$`));
  process.kill(pid, 'SIGKILL');
  await expect.poll(() => alive(config)).toEqual([]);

  const [head, ...rows] = await status();
  expect(head).toMatch(/^SERVER +STATE +ADDRESS +PROCESS$/);
  expect(rows.map((row) => row.replaceAll(/ +/g, ' '))).toEqual([
    `postgres running ${new URL(services().databaseUrl).host} given`,
    'redis ended - -',
    'temporal unhealthy 127.0.0.1:1 given',
    `${ended}tidemark stack up starts it again, at its port and with its data. Its log is ${log}.`,
    expect.stringMatching(/^Cannot use the Temporal of TEMPORAL_ADDRESS: .* Start that server or correct/),
  ]);

  const said: string[] = [];
  const stack = await startStack(config, { onProgress: (line) => said.push(line) });
  await stack.stop();
  expect(said).toEqual([
    `${ended}starting it again, to run until tidemark stack down. Its log is ${log}.1.`,
    'Starting Redis.',
  ]);
  expect((await status())[2]).toMatch(/^redis +running/);
  expect(await stopStack(config)).toEqual(['redis']);
  expect((await status())[2]).toMatch(/^redis +stopped/);
});

test('a server that ends a fourth time within a minute ends the command, with one error and the other servers', async () => {
  const config = freshConfig({ DATABASE_URL: services().databaseUrl });
  const child = spawn(
    process.execPath,
    [join(root, 'bin/tidemark'), 'worker', '--repo', 'feature_repo/assistant'],
    {
      cwd: root,
      stdio: ['ignore', 'ignore', 'pipe'],
      env: {
        PATH: process.env.PATH,
        TIDEMARK_CACHE: config.cache,
        TIDEMARK_HOME: config.home,
        DATABASE_URL: services().databaseUrl,
      },
    },
  );
  const exited = once(child, 'exit');
  let said = '';
  child.stderr.on('data', (text) => {
    said += text;
  });
  try {
    await expect.poll(() => said, { timeout: 40_000 }).toContain('Stop with Ctrl-C.');
    for (let time = 1; time <= 3; time += 1) await killed(config, 'redis', () => said);
    const running = alive(config);
    process.kill(pidOf(config, 'redis'), 'SIGKILL');
    expect(await exited).toEqual([1, null]);
    expect(running.filter(({ pid }) => isThere(pid))).toEqual([]);
    const log = join(config.home, 'logs/redis.log');
    expect(said.trimEnd().split('\n').slice(-7)).toEqual([
      ...Array.from({ length: 3 }, () => [
        expect.stringMatching(/^Redis ended unexpectedly .*: starting it again/),
        'Redis runs again.',
      ]).flat(),
      `STACK_UNAVAILABLE: Redis ended unexpectedly (signal SIGKILL) after it was started again 3 times within a minute; giving up. Its log is ${log} (of the starts before: redis.log.1 and so on).`,
    ]);
  } finally {
    child.kill('SIGTERM');
    await exited;
  }
}, 90_000);
