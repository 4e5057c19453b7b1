import { mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { leaveNothing, PARTS } from './leave-nothing.ts';

let folder: string;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'tidemark-set-'));
  for (const name of ['data.parquet.1.unfinished', 'data.2.joined.parquet', 'statistics.html'])
    await put(name);
});
afterEach(() => rm(folder, { recursive: true, force: true }));

const put = (name: string) => writeFile(join(folder, name), '');
const files = async () => (await readdir(folder)).toSorted();

test('a set that is made leaves nothing of the attempts before', async () => {
  const made = async () => {
    await put('data.parquet');
    return 'made';
  };
  expect(await leaveNothing(folder, made, undefined)).toBe('made');
  expect(await files()).toEqual(['data.parquet', 'statistics.html']);
});

test('a set that is cancelled leaves nothing of itself, one that fails what can be used', async () => {
  const before = await files();
  const fails = async () => {
    await put('data.parquet');
    throw new Error('failed');
  };
  await expect(leaveNothing(folder, fails, AbortSignal.abort())).rejects.toThrow('failed');
  expect(await files()).toEqual(before);
  await expect(leaveNothing(folder, fails, undefined)).rejects.toThrow('failed');
  expect(await files()).toEqual([...before, 'data.parquet'].toSorted());
});

test('the parts of a build outlive a worker that is shut down, and not a cancellation', async () => {
  const fails = async () => {
    await mkdir(join(folder, PARTS), { recursive: true });
    await put(join(PARTS, 'part.parquet'));
    throw new Error('failed');
  };
  const shutdown = AbortSignal.abort(new Error('WORKER_SHUTDOWN'));
  await expect(leaveNothing(folder, fails, shutdown)).rejects.toThrow('failed');
  expect(await readdir(join(folder, PARTS))).toEqual(['part.parquet']);
  // Of the attempt before, too.
  await expect(leaveNothing(folder, fails, AbortSignal.abort())).rejects.toThrow('failed');
  expect(await files()).not.toContain(PARTS);
});

test('a first attempt that fails before there is anything leaves no folder either', async () => {
  const fresh = join(folder, 'set');
  const fails = async () => {
    await mkdir(fresh);
    throw new Error('failed');
  };
  await expect(leaveNothing(fresh, fails, undefined)).rejects.toThrow('failed');
  expect(await files()).not.toContain('set');
});

test('a first attempt that is cancelled leaves no folder either', async () => {
  const fresh = join(folder, 'set');
  const fails = async () => {
    await mkdir(join(fresh, PARTS), { recursive: true });
    throw new Error('failed');
  };
  await expect(leaveNothing(fresh, fails, AbortSignal.abort())).rejects.toThrow('failed');
  expect(await files()).not.toContain('set');
});
