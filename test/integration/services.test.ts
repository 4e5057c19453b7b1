import pg from 'pg';
import { expect, test } from 'vitest';
import { services, testDatabase } from '../support/services.ts';

test('each test database is a fresh one on the real Postgres of the run', async () => {
  const [one, other] = await Promise.all([testDatabase(), testDatabase()]);
  expect(one).not.toBe(other);
  const client = new pg.Client({ connectionString: one });
  await client.connect();
  await client.query('CREATE TABLE t (x int)');
  const { rows } = await client.query('SELECT current_database() AS name');
  await client.end();
  expect(new URL(one).pathname).toBe(`/${rows[0].name}`);
  expect(new URL(services().databaseUrl).pathname).not.toBe(new URL(one).pathname);
});
