import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readdirSync, statSync } from 'node:fs';
import { mkdtemp, readdir, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { largeJoin, writeLargeJoin } from '../support/large-join.ts';

const PROGRAM = join(import.meta.dirname, '../support/large-join.ts');
const PARTS = 12;

let folder: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'tidemark-killed-join-'));
  await writeLargeJoin(folder);
});

afterAll(() => rm(folder, { recursive: true, force: true }));

function whole(): readonly string[] {
  const parts = join(folder, 'parts');
  return existsSync(parts) ? readdirSync(parts).filter((name) => name.endsWith('.parquet')) : [];
}

test('a large join whose process was killed goes on from the parts that were done, and gives the same bytes', async () => {
  const { path: _, ...expected } = await largeJoin(folder);
  await rm(join(folder, 'data.parquet'));

  const child = spawn(process.execPath, [PROGRAM, folder], { stdio: ['ignore', 'inherit', 'inherit'] });
  const exited = once(child, 'close');
  await expect.poll(() => whole().length, { timeout: 30_000, interval: 2 }).toBeGreaterThan(2);
  child.kill('SIGKILL');
  expect(await exited).toEqual([null, 'SIGKILL']);
  const kept = whole();
  expect(kept.length).toBeLessThan(PARTS);
  expect(await readdir(folder)).not.toContain('data.parquet');
  const inodes = () => kept.map((name) => statSync(join(folder, 'parts', name)).ino);
  const before = inodes();

  // A part that is written again is another file.
  let after: readonly number[] = [];
  const { path, ...found } = await largeJoin(folder, () => {
    if (whole().length === PARTS) after = inodes();
  });
  expect(after).toEqual(before);
  expect(found).toEqual(expected);
  expect((await stat(path)).size).toBe(expected.bytes);
  await expect(readdir(join(folder, 'parts'))).rejects.toThrow('ENOENT');
});
