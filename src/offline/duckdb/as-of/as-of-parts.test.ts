import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type DuckDBConnection, DuckDBInstance } from '@duckdb/node-api';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { durationOf } from '../../../core/time.ts';
import type { AsOfView } from '../../as-of-engine.ts';
import { keptParts } from './as-of-parts.ts';

const VIEW: AsOfView = {
  view: 'spend',
  version: 1,
  joinKeys: [],
  spineColumns: [],
  features: [],
  ttl: null,
  dataDelay: durationOf('0s'),
  slices: [],
};

let folder: string;
let connection: DuckDBConnection;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'tidemark-parts-'));
  connection = await (await DuckDBInstance.create(':memory:')).connect();
  await connection.run('CREATE TEMP TABLE joined AS SELECT range AS f0 FROM range(5)');
});

afterAll(async () => {
  connection.closeSync();
  await rm(folder, { recursive: true, force: true });
});

function partsIn(workFolder: string) {
  const spine = { kind: 'parquet', path: 'spine.parquet', timestampField: 'at' } as const;
  const request = {
    spine,
    views: [VIEW],
    knownAt: { kind: 'any' },
    path: 'data.parquet',
    workFolder,
  } as const;
  return keptParts(request, { engine: 'one', spineDigest: 'a'.repeat(64), rows: 1_000_000 });
}

/** As if another build were done at the moment in which this one reads or writes. */
function whileTakenAway(workFolder: string): DuckDBConnection {
  const run = async (sql: string) => {
    await rm(workFolder, { recursive: true, force: true });
    return connection.run(sql);
  };
  return { run } as unknown as DuckDBConnection;
}

test('what was kept is there again, row for row', async () => {
  const parts = partsIn(join(folder, 'kept'));
  expect(await parts.restore(connection, VIEW, 'again')).toBe(false);
  await parts.keep(connection, VIEW, 'joined');
  expect(await parts.restore(connection, VIEW, 'again')).toBe(true);
  const rows = (await connection.runAndReadAll('SELECT f0 FROM again')).getRows();
  expect(rows).toEqual([0n, 1n, 2n, 3n, 4n].map((value) => [value]));
});

test('a folder that another build takes away meanwhile costs the part, not the build', async () => {
  const workFolder = join(folder, 'shared');
  const parts = partsIn(workFolder);
  await parts.keep(whileTakenAway(workFolder), VIEW, 'joined');
  await expect(readdir(workFolder)).rejects.toThrow('ENOENT');
  await parts.keep(connection, VIEW, 'joined');
  expect(await parts.restore(whileTakenAway(workFolder), VIEW, 'gone')).toBe(false);
});

test('a part that is there and cannot be kept for another reason is an error', async () => {
  await expect(partsIn(join(folder, 'kept')).keep(connection, VIEW, 'nowhere')).rejects.toThrow('nowhere');
});
