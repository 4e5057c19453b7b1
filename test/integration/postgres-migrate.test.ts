import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { ledgerMigrations } from '../../src/ledger/postgres/migrations.ts';
import { type MigrationSet, migrate } from '../../src/registry/postgres/migrate.ts';
import { registryMigrations } from '../../src/registry/postgres/migrations.ts';
import { connectPostgres, type PostgresPool, queryOf } from '../../src/registry/postgres/pool.ts';
import { testDatabase } from '../support/services.ts';

let set: MigrationSet;
let pool: PostgresPool;
const pools: PostgresPool[] = [];

beforeEach(async () => {
  set = { name: 'trial', folder: await mkdtemp(join(tmpdir(), 'tidemark-migrate-')) };
  const url = await testDatabase('migrate');
  for (let index = 0; index < 3; index++) pools.push(connectPostgres(url, { maxConnections: 2 }));
  pool = pools[0]!;
});

afterEach(async () => {
  await Promise.all(pools.splice(0).map((each) => each.end()));
  await rm(set.folder, { recursive: true });
});

function file(name: string, sql: string): Promise<void> {
  return writeFile(join(set.folder, name), sql);
}

test('files are applied in order, each once, and only the new ones later', async () => {
  await file('0001_first.sql', 'create table one (n integer);\ninsert into one values (1);');
  await file('0002_second.sql', 'alter table one add column m integer default 5;');
  expect(await migrate(pool, [set])).toEqual(['trial/0001_first.sql', 'trial/0002_second.sql']);
  expect(await migrate(pool, [set])).toEqual([]);
  await file('0003_third.sql', 'update one set n = 2;');
  expect(await migrate(pool, [set])).toEqual(['trial/0003_third.sql']);
  expect(await queryOf(pool)('select * from tidemark.one')).toEqual([{ n: 2, m: 5 }]);
});

test('several processes at once apply every file once', async () => {
  await file('0001_first.sql', 'create table one (n integer); select pg_sleep(0.2);');
  const applied = await Promise.all(
    pools.map((each) => migrate(each, [set, registryMigrations, ledgerMigrations])),
  );
  const files = await Promise.all(
    [set, registryMigrations, ledgerMigrations].map(async ({ name, folder }) =>
      (await readdir(folder)).map((file) => `${name}/${file}`),
    ),
  );
  expect(applied.flat().toSorted()).toEqual(files.flat().toSorted());
  expect(applied.flat()).toContain('ledger/0001_ledger.sql');
});

test('a file that fails leaves everything as it was', async () => {
  await file('0001_first.sql', 'create table one (n integer);');
  await file('0002_second.sql', 'create table two (n no_such_type);');
  await expect(migrate(pool, [set])).rejects.toThrow(/no_such_type/);
  expect(await queryOf(pool)(`select 1 from pg_tables where schemaname = 'tidemark'`)).toEqual([]);
});

test('a file edited after it was applied is refused, but not one with other line ends', async () => {
  await file('0001_first.sql', 'create table one (\n  n integer\n);\n');
  await migrate(pool, [set]);
  await file('0001_first.sql', 'create table one (\r\n  n integer\r\n);\r\n');
  expect(await migrate(pool, [set])).toEqual([]);
  await file('0001_first.sql', 'create table one (\n  n bigint\n);\n');
  await expect(migrate(pool, [set])).rejects.toMatchObject({
    code: 'STORE_CORRUPT',
    message:
      'Cannot migrate the registry: trial/0001_first.sql was edited after it was applied; restore it and add a new file instead.',
  });
});

test('a database that a newer Tidemark has migrated is refused', async () => {
  await file('0001_first.sql', 'create table one (n integer);');
  await file('0002_second.sql', 'create table two (n integer);');
  await migrate(pool, [set]);
  await rm(join(set.folder, '0002_second.sql'));
  await expect(migrate(pool, [set])).rejects.toMatchObject({
    code: 'STORE_CORRUPT',
    message: expect.stringContaining('newer Tidemark, which applied trial/0002_second.sql'),
  });
});

test('files whose numbers leave a gap or come twice are refused', async () => {
  await file('0001_first.sql', 'select 1;');
  await file('0003_third.sql', 'select 1;');
  await expect(migrate(pool, [set])).rejects.toThrow('trial/0003_third.sql is not numbered 0002');
  await file('0001_other.sql', 'select 1;');
  await expect(migrate(pool, [set])).rejects.toThrow('trial/0001_other.sql is not numbered 0002');
});
