import { afterAll, beforeAll, expect, test } from 'vitest';
import { migrate } from '../../src/registry/postgres/migrate.ts';
import { registryMigrations } from '../../src/registry/postgres/migrations.ts';
import { connectPostgres, type PostgresPool } from '../../src/registry/postgres/pool.ts';
import { createPostgresRegistry } from '../../src/registry/postgres/postgres-registry.ts';
import { testDatabase } from '../support/services.ts';
import { registryConformance } from './registry.ts';
import { applyRequest, batchView, manifestOf } from './registry-fixture.ts';

let url: string;
const pools: PostgresPool[] = [];

function open(schema = 'tidemark'): PostgresPool {
  const pool = connectPostgres(url, { schema, maxConnections: 2 });
  pools.push(pool);
  return pool;
}

beforeAll(async () => {
  url = await testDatabase('registry');
  await migrate(open(), [registryMigrations]);
});

afterAll(async () => {
  await Promise.all(pools.filter((pool) => !pool.ending).map((pool) => pool.end()));
});

registryConformance(async () => createPostgresRegistry(open()));

test('a listener hears of the changes of its project in its schema, and not of those of others', async () => {
  const [listening, changing] = [createPostgresRegistry(open()), createPostgresRegistry(open())];
  await migrate(open('tidemark_c'), [registryMigrations]);
  const elsewhere = createPostgresRegistry(open('tidemark_c'));
  let heard = 0;
  const stop = listening.onChange('heard', () => {
    heard += 1;
  });
  await expect.poll(() => heard).toBe(1);
  const manifest = manifestOf('heard', { views: [batchView('clicks'), batchView('clicks', 2)] });
  await elsewhere.apply(applyRequest(manifest, 0));
  await changing.apply(applyRequest(manifestOf('unheard', {}), 0));
  await changing.apply(applyRequest(manifest, 0));
  await expect.poll(() => heard).toBe(2);
  await changing.setServingVersion({ project: 'heard', view: 'clicks', version: 2 }, 'tests');
  await expect.poll(() => heard).toBe(3);
  await stop();
  await changing.setServingVersion({ project: 'heard', view: 'clicks', version: 1 }, 'tests');
  await new Promise((resolve) => setTimeout(resolve, 100));
  expect(heard).toBe(3);
});

test('two schemas of one database hold two registries that do not see each other', async () => {
  await migrate(open('tidemark_b'), [registryMigrations]);
  const [a, b] = [createPostgresRegistry(open()), createPostgresRegistry(open('tidemark_b'))];
  const manifest = manifestOf('same_name', { views: [batchView('clicks')] });
  await a.apply(
    applyRequest(manifest, 0, { beforeCommit: async () => void (await b.apply(applyRequest(manifest, 0))) }),
  );
  await b.apply(applyRequest(manifestOf('same_name', {}), 1));
  expect((await a.load('same_name'))?.revision).toBe(1);
  expect((await b.load('same_name'))?.revision).toBe(2);
});

test('closing twice is no error, and what comes after says that the registry cannot be reached', async () => {
  const registry = createPostgresRegistry(open());
  await registry.close();
  await registry.close();
  await expect(registry.projects()).rejects.toMatchObject({ code: 'STORE_UNAVAILABLE' });
});
