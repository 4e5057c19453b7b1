import { createServer } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { inspect } from 'node:util';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { TidemarkError } from '../../src/core/errors.ts';
import { addDuration, durationOf, micros, subtractDuration, timeOf } from '../../src/core/time.ts';
import {
  type ConnectOptions,
  connectPostgres,
  type PostgresPool,
  pingPostgres,
  queryOf,
  transaction,
} from '../../src/registry/postgres/pool.ts';
import {
  microsColumn,
  microsFrom,
  rangeColumns,
  rangeParameter,
  timeParameter,
} from '../../src/registry/postgres/postgres-time.ts';
import { testDatabase } from '../support/services.ts';

let url: string;
const pools: PostgresPool[] = [];

function open(options: ConnectOptions & { readonly url?: string } = {}): PostgresPool {
  const pool = connectPostgres(options.url ?? url, options);
  pools.push(pool);
  return pool;
}

beforeAll(async () => {
  url = await testDatabase('pool');
});

afterAll(async () => {
  await Promise.all(pools.map((pool) => pool.end()));
});

async function errorOf(work: Promise<unknown>): Promise<TidemarkError> {
  return work.then(
    () => {
      throw new Error('It worked.');
    },
    (error: TidemarkError) => error,
  );
}

/** A port of this machine where a server stood until just now. */
async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  return typeof address === 'object' && address !== null ? address.port : 0;
}

test('a server that is not there is named by host and port, without user or password', async () => {
  const port = await freePort();
  for (const host of ['127.0.0.1', 'localhost']) {
    const pool = open({ url: `postgres://app_user:s3cret@${host}:${port}/db` });
    for (const work of [() => pingPostgres(pool), () => transaction(pool, (query) => query('select 1'))]) {
      const error = await errorOf(work());
      expect(error.code).toBe('STORE_UNAVAILABLE');
      expect(inspect(pool)).not.toContain('s3cret');
      expect(error.message).toContain(
        `Cannot reach the registry (Postgres at ${host}:${port}): connect ECONN`,
      );
      expect(error.message).not.toMatch(/s3cret|app_user/);
    }
  }
});

test('a wrong password, an unknown user and an unknown database are each said, and the password is not', async () => {
  for (const change of [
    (to: URL) => {
      to.password = 's3cret-wrong';
    },
    (to: URL) => {
      to.username = 'nobody_here';
    },
    (to: URL) => {
      to.pathname = '/no_such_database';
    },
  ]) {
    const wrong = new URL(url);
    change(wrong);
    const error = await errorOf(pingPostgres(open({ url: wrong.href })));
    expect(error.code).toBe('STORE_UNAVAILABLE');
    expect(error.message).toMatch(/^Cannot reach the registry \(Postgres at .*\): .*(authentication|exist)/);
    expect(error.message).not.toContain('s3cret');
  }
});

test('a server that accepts and never answers is given up after the connect timeout', async () => {
  const server = createServer(() => {});
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  const port = typeof address === 'object' && address !== null ? address.port : 0;
  const pool = open({ url: `postgres://ann@127.0.0.1:${port}/db`, connectTimeoutMillis: 100 });
  expect(await errorOf(pingPostgres(pool))).toMatchObject({ code: 'STORE_UNAVAILABLE' });
  server.close();
});

test('a connection lost while idle is told, and the next statement connects again', async () => {
  const lost: TidemarkError[] = [];
  const pool = open({ onConnectionLost: (error) => lost.push(error) });
  const [row] = await queryOf(pool)<{ pid: number }>('select pg_backend_pid() as pid');
  await queryOf(open())('select pg_terminate_backend($1)', [row?.pid]);
  for (let wait = 0; wait < 100 && lost.length === 0; wait++) await sleep(20);
  expect(lost[0]).toMatchObject({ code: 'STORE_UNAVAILABLE' });
  await pingPostgres(pool);
});

test('a connection lost in the middle of a transaction is an error of that transaction, not of the process', async () => {
  const pool = open({ maxConnections: 1 });
  const error = await errorOf(
    transaction(pool, async (query) => {
      const [row] = await query<{ pid: number }>('select pg_backend_pid() as pid');
      await queryOf(open())('select pg_terminate_backend($1)', [row?.pid]);
      await sleep(50);
      await query('select 1');
    }),
  );
  expect(error.code).toBe('STORE_UNAVAILABLE');
  await pingPostgres(pool);
});

test('a statement that takes too long is given up by the server', async () => {
  const error = await errorOf(queryOf(open({ statementTimeoutMillis: 50 }))('select pg_sleep(5)'));
  expect(error).toMatchObject({ code: 'STORE_UNAVAILABLE' });
  expect(error.message).toContain('took too long');
});

test('tables that were never made are said to be missing', async () => {
  const error = await errorOf(queryOf(open())('select * from projects'));
  expect(error).toMatchObject({ code: 'STORE_UNAVAILABLE' });
  expect(error.message).toContain('its tables have not been made');
});

test('a transaction is rolled back when its work throws, and passes on what was thrown', async () => {
  const pool = open({ schema: 'public', maxConnections: 1 });
  const query = queryOf(pool);
  await query('create table kept (n integer)');
  const failure = new Error('no');
  const work = transaction(pool, async (inside) => {
    await inside('insert into kept values (1)');
    throw failure;
  });
  await expect(work).rejects.toBe(failure);
  await transaction(pool, (inside) => inside('insert into kept values (2)'));
  expect(await query('select n from kept')).toEqual([{ n: 2 }]);
});

test('times and ranges go to Postgres and back to the microsecond, in any session time zone', async () => {
  const query = queryOf(open());
  const times = [
    timeOf('2026-01-01T00:00:00.000001Z'),
    timeOf('1969-12-31T23:59:59.999999Z'),
    timeOf('0001-01-01T00:00:00Z'),
    timeOf('9999-12-31T23:59:59.999999Z'),
    addDuration(timeOf('9999-12-31T23:59:59.999999Z'), durationOf('1us')),
    subtractDuration(timeOf('0001-01-01T00:00:00Z'), durationOf('1us')),
    micros(-210_863_520_000_000_000n),
    micros(8_640_000_000_000_000_000n),
    timeOf('2300-06-01T12:34:56.789012Z'),
    micros(-1n),
    micros(0n),
  ];
  for (const time of times) {
    const [row] = await query<{ at: string }>(`select ${microsColumn('$1::timestamptz')} as at`, [
      timeParameter(time),
    ]);
    expect(microsFrom(row?.at ?? '')).toBe(time);
  }
  const [start, end] = [timeOf('2026-01-01T00:00:00.000001Z'), timeOf('2026-01-01T00:00:00.000002Z')];
  const [range] = await query(`select ${rangeColumns('$1::tstzrange')}`, [rangeParameter({ start, end })]);
  expect(range).toEqual({ start_at: start.toString(), end_at: end.toString() });
  const ever = rangeParameter({ start: micros(-(2n ** 63n)), end: micros(2n ** 63n - 1n) });
  expect(await query('select $1::tstzrange::text as range', [ever])).toEqual([
    { range: '[-infinity,infinity)' },
  ]);
});

test('a schema name that is no plain name is refused', () => {
  for (const schema of ['', 'Tidemark', 'a b', 'a"; drop table x; --', '1a']) {
    expect(() => connectPostgres(url, { schema })).toThrow(/Cannot use ".*" as a Postgres schema/s);
  }
});
