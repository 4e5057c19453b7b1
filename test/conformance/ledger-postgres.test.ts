import { afterAll, beforeAll } from 'vitest';
import { ledgerMigrations } from '../../src/ledger/postgres/migrations.ts';
import { createPostgresLedger } from '../../src/ledger/postgres/postgres-ledger.ts';
import { migrate } from '../../src/registry/postgres/migrate.ts';
import { connectPostgres, type PostgresPool, queryOf } from '../../src/registry/postgres/pool.ts';
import { testDatabase } from '../support/services.ts';
import { ledgerConformance } from './ledger.ts';

let url: string;
const pools: PostgresPool[] = [];

function open(): PostgresPool {
  const pool = connectPostgres(url, { maxConnections: 4 });
  pools.push(pool);
  return pool;
}

beforeAll(async () => {
  url = await testDatabase('ledger');
  await migrate(open(), [ledgerMigrations]);
  // Several thousand small transactions: what they do is tested here, not that the disk keeps them.
  await queryOf(open())(`alter database ${new URL(url).pathname.slice(1)} set synchronous_commit = off`);
});

afterAll(async () => {
  await Promise.all(pools.map((pool) => pool.end()));
});

ledgerConformance(async () => createPostgresLedger(open()));
