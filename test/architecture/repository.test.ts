import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync, statSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { expect, test } from 'vitest';
import { z } from 'zod';
import { ROOT } from './source-files.ts';

const Versions = z.record(z.string(), z.string()).default({});
const EXACT = /^\d+\.\d+\.\d+(-[\w.]+)?$/;

function json(path: string): unknown {
  return JSON.parse(readFileSync(join(ROOT, path), 'utf8'));
}

test('package.json asks for every package in one exact version', () => {
  const { dependencies, devDependencies } = z
    .object({ dependencies: Versions, devDependencies: Versions })
    .parse(json('package.json'));
  const all = Object.entries({ ...dependencies, ...devDependencies });
  expect(all.length).toBeGreaterThan(10);
  expect(all.filter(([, version]) => !EXACT.test(version))).toEqual([]);
});

test('package-lock.json agrees with package.json, and names no registry', () => {
  const { dependencies, devDependencies } = z
    .object({ dependencies: Versions, devDependencies: Versions })
    .parse(json('package.json'));
  const { packages } = z
    .object({
      packages: z.record(
        z.string(),
        z.object({
          version: z.string().optional(),
          resolved: z.string().optional(),
        }),
      ),
    })
    .parse(json('package-lock.json'));
  for (const [name, version] of Object.entries({ ...dependencies, ...devDependencies })) {
    expect(packages[`node_modules/${name}`]?.version, name).toBe(version);
  }
  const installed = Object.entries(packages).filter(([path]) => path !== '');
  expect(installed.filter(([, { resolved }]) => resolved !== undefined).map(([path]) => path)).toEqual([]);
});

test.each(['LICENSE', '.gitattributes', '.gitignore', '.npmrc', '.ci/run'])('%s is there', (path) => {
  expect(existsSync(join(ROOT, path))).toBe(true);
});

test('LICENSE is the one that package.json names', () => {
  const { license } = z.object({ license: z.string() }).parse(json('package.json'));
  expect(license).toBe('Apache-2.0');
  expect(readFileSync(join(ROOT, 'LICENSE'), 'utf8')).toMatch(/Apache License\s+Version 2\.0/);
});

test('no file names a place of the machine on which it was written', () => {
  const places = machinePlaces();
  const found = filesOfRepository().flatMap((path) => {
    const text = textOf(path);
    return places.filter((place) => place.test(text)).map((place) => `${path}: ${place.exec(text)?.[0]}`);
  });
  expect(found).toEqual([]);
});

/** What git has, and what it would take. */
function filesOfRepository(): readonly string[] {
  const listed = execFileSync('git', ['ls-files', '-z', '--cached', '--others', '--exclude-standard'], {
    cwd: ROOT,
    encoding: 'utf8',
  });
  const files = listed.split('\0').filter((path) => path !== '' && isFile(path));
  expect(files.length).toBeGreaterThan(200);
  return files;
}

/** The checkout and the home folder, unless they are so short that they mean something elsewhere (`/app`, `/root`). */
function machinePlaces(): readonly RegExp[] {
  const own = [ROOT, homedir()]
    .filter((path) => path.split(/[/\\]/).filter((part) => part !== '').length >= 2)
    .map((path) => new RegExp(`${path.replaceAll(/[^\w/-]/g, '\\$&')}(?![\\w-])`));
  return [...own, /(?<![\w.])\/(?:home|Users)\/[a-z]\w*\//];
}

/** Bytes as text; a recorded history is read through its compression. */
function textOf(path: string): string {
  try {
    const bytes = readFileSync(join(ROOT, path));
    return (path.endsWith('.gz') ? gunzipSync(bytes) : bytes).toString('latin1');
  } catch {
    return ''; // deleted meanwhile
  }
}

function isFile(path: string): boolean {
  return statSync(join(ROOT, path), { throwIfNoEntry: false })?.isFile() ?? false;
}
