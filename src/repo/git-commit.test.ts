import { execFileSync } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import { expect, test } from 'vitest';
import { featureRepo } from '../../test/support/feature-repo.ts';
import { gitCommit } from './git-commit.ts';

test('the commit of a checkout is told, marked when files have changed since', async () => {
  const dir = await featureRepo({ 'a.ts': 'export {};' });
  expect(await gitCommit(dir)).toBeNull();
  const git = (...args: string[]) => execFileSync('git', ['-C', dir, ...args], { encoding: 'utf8' }).trim();
  git('init', '-q');
  git('add', '.');
  git('-c', 'user.name=x', '-c', 'user.email=x@example.com', 'commit', '-qm', 'first');
  const head = git('rev-parse', 'HEAD');
  expect(await gitCommit(dir)).toBe(head);
  await writeFile(`${dir}/a.ts`, 'export const b = 1;');
  expect(await gitCommit(dir)).toBe(`${head}-dirty`);
});
