import { mkdir, rename, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { FileFormat } from '../../src/core/source.ts';
import { createDuckDbWorld, type DuckDbWorld } from '../conformance/duckdb-world.ts';

let world: DuckDbWorld;
beforeAll(async () => {
  world = await createDuckDbWorld();
});
afterAll(() => world.close());

const KINDS = ['parquet', 'csv', 'json'] as const;
const EXTENSIONS = { parquet: 'parquet', csv: 'csv', json: 'jsonl' } as const;

/** A file of one row, whose own column `env` says `own`. */
async function write(kind: FileFormat, path: string, env = true): Promise<string> {
  const file = join(world.folder, kind, `${path}.${EXTENSIONS[kind]}`);
  await mkdir(dirname(file), { recursive: true });
  const row = { at: '2026-01-01T00:00:00', user_id: 1, ...(env ? { env: 'own' } : {}) };
  const values = Object.values(row);
  if (kind === 'csv') await writeFile(file, `${Object.keys(row).join(',')}\n${values.join(',')}\n`);
  else if (kind === 'json') await writeFile(file, `${JSON.stringify(row)}\n`);
  else {
    const own = env ? ", 'own' AS env" : '';
    await world.run(
      `COPY (SELECT TIMESTAMP '2026-01-01' AS at, 1 AS user_id${own}) TO '${file}' (FORMAT parquet)`,
    );
  }
  return file;
}

const spineOf = (kind: FileFormat, path: string) => ({ kind, path, timestampField: 'at' });
const described = (kind: FileFormat, path: string) => world.engine.describeSpine(spineOf(kind, path));

async function columns(kind: FileFormat, path: string): Promise<readonly string[]> {
  return (await described(kind, path)).columns.map(({ name }) => name);
}

/** The values of a set without features that is made of these entity rows. */
async function values(kind: FileFormat, path: string, column: string): Promise<readonly unknown[]> {
  const set = join(world.folder, `${crypto.randomUUID()}.parquet`);
  await world.engine.join({ spine: spineOf(kind, path), views: [], knownAt: { kind: 'any' }, path: set });
  return (await world.run(`SELECT ${column} FROM read_parquet('${set}', hive_partitioning = false)`)).flat();
}

test.each(KINDS)(
  'a %s file that is named has its own columns, whatever its folders are called',
  async (kind) => {
    const file = await write(kind, 'named/env=prod/region=eu/rows');
    expect(await columns(kind, file)).toEqual(['at', 'user_id', 'env']);
    expect(await values(kind, file, 'env')).toEqual(['own']);
  },
);

test.each(KINDS)('a pattern of %s files gives the columns of the folders that it matches', async (kind) => {
  const file = await write(kind, 'matched/env=prod/day=2026-01-01/hour=7/rows', false);
  await write(kind, 'matched/env=prod/day=2026-01-02/hour=8/rows', false);
  const above = join(dirname(file), '..', '..');
  const pattern = join(above, 'day=*', '*', '*');
  expect(await columns(kind, pattern)).toEqual(['at', 'user_id', 'day', 'hour']);
  expect(await values(kind, pattern, 'hour')).toEqual([7n, 8n]);
  expect(await columns(kind, join(dirname(file), '*'))).toEqual(['at', 'user_id']);
});

test.each(KINDS)('a column of %s files that a folder above a pattern would hide is told', async (kind) => {
  const file = await write(kind, 'hidden/env=prod/day=1/rows');
  await expect(columns(kind, join(dirname(file), '..', 'day=*', '*'))).rejects.toMatchObject({
    code: 'SPINE_INVALID',
    message: expect.stringMatching(/its column "env" .* folder .*env=prod/),
  });
});

test.each(KINDS)(
  'a folder called like a %s file is all of the files in it, and its digest tells them',
  async (kind) => {
    const file = await write(kind, `whole.${EXTENSIONS[kind]}/day=1/a`, false);
    const folder = join(dirname(file), '..');
    await writeFile(join(folder, '_SUCCESS'), '');
    const one = await described(kind, folder);
    expect([one.rows, one.columns.map(({ name }) => name)]).toEqual([1, ['at', 'user_id', 'day']]);
    await write(kind, `whole.${EXTENSIONS[kind]}/day=1/b`, false);
    const two = await described(kind, folder);
    expect(two.rows).toBe(2);
    expect(two.digest).not.toBe(one.digest);
    await rename(dirname(file), join(folder, 'day=2'));
    const renamed = await described(kind, folder);
    expect([one.digest, two.digest]).not.toContain(renamed.digest);
  },
);

test('a folder that a join key is read from has the type of the key', async () => {
  await write('parquet', 'typed/store=007/rows', false);
  const pattern = join(world.folder, 'parquet', 'typed', '*', '*.parquet');
  const joined = {
    view: 'v',
    version: 1,
    joinKeys: [{ name: 'store', type: 'string' }],
    spineColumns: [],
  } as const;
  const { columns } = await world.engine.describeSpine(spineOf('parquet', pattern), [joined]);
  expect(columns.find(({ name }) => name === 'store')?.type).toBe('string');
});
