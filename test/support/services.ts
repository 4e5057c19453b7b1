import { randomBytes } from 'node:crypto';
import pg from 'pg';
import { afterAll, inject } from 'vitest';

/** The real servers of this test run. */
export interface Services {
  readonly databaseUrl: string;
  readonly redisUrl: string;
  readonly temporalAddress: string;
}

export function services(): Services {
  return inject('services');
}

/** A name nobody else uses, fit for a project, a database or a task queue: `prefix_` and ten hex digits. */
export function uniqueName(prefix: string): string {
  return `${prefix}_${randomBytes(5).toString('hex')}`;
}

/**
 * A fresh, empty database for one test file (call it at the top level, in `beforeAll` or in a test); dropped with
 * everyone's connections to it after the file's last test. Returns its connection string.
 */
export async function testDatabase(prefix = 'test'): Promise<string> {
  const name = uniqueName(prefix);
  await administer(`CREATE DATABASE ${pg.escapeIdentifier(name)}`);
  created.push(name);
  const url = new URL(services().databaseUrl);
  url.pathname = `/${name}`;
  return url.href;
}

const created: string[] = [];

afterAll(async () => {
  for (const name of created.splice(0))
    await administer(`DROP DATABASE IF EXISTS ${pg.escapeIdentifier(name)} WITH (FORCE)`);
});

async function administer(statement: string): Promise<void> {
  const client = new pg.Client({ connectionString: services().databaseUrl });
  await client.connect();
  try {
    await client.query(statement);
  } finally {
    await client.end();
  }
}
