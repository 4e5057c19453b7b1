import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { DuckDBConnection } from '@duckdb/node-api';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { createDuckDb, type DuckDbEngine } from './engine.ts';

const MB = 2 ** 20;

const { header } = process.report.getReport() as { readonly header: Readonly<Record<string, unknown>> };
const hasGlibc = typeof header.glibcVersionRuntime === 'string';

let folder: string;
let engine: DuckDbEngine;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'tidemark-freed-'));
  engine = await createDuckDb({ memory: '1500MB', threads: 2, tempDir: join(folder, 'spill') });
});
afterEach(async () => {
  await engine.close();
  await rm(folder, { recursive: true, force: true });
});

/** Takes half a gigabyte and more, and frees it. */
async function sortMuch(connection: DuckDBConnection): Promise<void> {
  await connection.run(
    `CREATE OR REPLACE TEMP TABLE sorted AS
      SELECT hash(i) AS h, i, hash(i, 1) AS other, 'shop ' || hash(i) AS shop FROM range(4000000) r(i) ORDER BY h`,
  );
  await connection.run('DROP TABLE sorted');
}

const used = () => process.memoryUsage.rss();

// Elsewhere the allocator gives back what is free by itself, or nothing makes it.
describe.runIf(hasGlibc)('what queries have freed', () => {
  test('is given back when it is asked for in the midst of a connection’s work', async () => {
    const before = used();
    await engine.withConnection(async (connection) => {
      await sortMuch(connection);
      expect(used() - before).toBeGreaterThan(350 * MB);
      await engine.giveMemoryBack();
      expect(used() - before).toBeLessThan(200 * MB);
    });
  });

  test('is given back once the connection is', async () => {
    const before = used();
    await engine.withConnection(sortMuch);
    await expect.poll(() => used() - before, { timeout: 30_000 }).toBeLessThan(200 * MB);
  });
});

test('giving memory back leaves the limit as it was set, and queries that run alone', async () => {
  const limit = () =>
    engine.withConnection(async (connection) => {
      const reader = await connection.runAndReadAll(`SELECT current_setting('memory_limit')`);
      return reader.getRows()[0]?.[0];
    });
  const set = await limit();
  let isDone = false;
  const sorting = engine
    .withConnection(async (connection) => {
      await sortMuch(connection);
      const reader = await connection.runAndReadAll('SELECT count(DISTINCT hash(i)) FROM range(500000) r(i)');
      return reader.getRows()[0]?.[0];
    })
    .finally(() => {
      isDone = true;
    });
  while (!isDone) {
    await engine.giveMemoryBack();
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  expect(await sorting).toBe(500_000n);
  expect(await limit()).toBe(set);
});

test('a connection that is given back after the engine was closed harms nothing', async () => {
  const other = await createDuckDb({ memory: '1500MB', threads: 1, tempDir: join(folder, 'other') });
  const lease = await other.lease();
  await sortMuch(lease.connection);
  await other.close();
  lease[Symbol.dispose]();
  await expect(other.giveMemoryBack()).resolves.toBeUndefined();
});
