import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { keptPart, throughParts } from './as-of-parts.ts';

let folder: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'tidemark-parts-'));
});

afterAll(() => rm(folder, { recursive: true, force: true }));

const textsOf = (paths: readonly string[]) => Promise.all(paths.map((path) => readFile(path, 'utf8')));

function parts(name: string, written: string[]) {
  return ['a', 'b'].map((part) =>
    keptPart(join(folder, name), { part }, async (path) => {
      written.push(part);
      await writeFile(path, `rows of ${part}`);
    }),
  );
}

test('a part that is there is read and not written again', async () => {
  const written: string[] = [];
  const [first, second] = parts('kept', written);
  if (first === undefined || second === undefined) throw new Error('two parts were made');
  expect(await throughParts([first], textsOf)).toEqual(['rows of a']);
  expect(await throughParts([first, second], textsOf)).toEqual(['rows of a', 'rows of b']);
  expect(written).toEqual(['a', 'b']);
});

test('parts are told apart by what decides them', async () => {
  const of = (engine: string) => keptPart(folder, { engine, view: 'spend' }, async () => {}).path;
  expect(of('one')).toBe(of('one'));
  expect(of('one')).not.toBe(of('two'));
});

test('a part whose writing fails leaves nothing that could be taken for it', async () => {
  const broken = keptPart(join(folder, 'broken'), {}, async (path) => {
    await writeFile(path, 'half');
    throw new Error('the disk is full');
  });
  await expect(throughParts([broken], textsOf)).rejects.toThrow('the disk is full');
  expect(await readdir(join(folder, 'broken'))).toEqual([]);
});

test('parts that another build takes away are made again', async () => {
  const written: string[] = [];
  const all = parts('shared', written);
  let taken = 0;
  const texts = await throughParts(all, async (paths) => {
    if (taken++ === 0) await rm(dirname(paths[0] ?? ''), { recursive: true });
    return textsOf(paths);
  });
  expect(texts).toEqual(['rows of a', 'rows of b']);
  expect(written).toEqual(['a', 'b', 'a', 'b']);
});

test('parts that are taken away every time are an error in the end', async () => {
  let taken = 0;
  await expect(
    throughParts(parts('hunted', []), async (paths) => {
      taken++;
      await rm(dirname(paths[0] ?? ''), { recursive: true });
      return textsOf(paths);
    }),
  ).rejects.toThrow('ENOENT');
  expect(taken).toBe(3);
});
