import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { afterEach, expect, test } from 'vitest';
import type { Config } from '../../src/config.ts';
import { freshConfig } from '../support/stack-home.ts';

const root = join(import.meta.dirname, '../..');
const children: ChildProcess[] = [];

afterEach(() => {
  for (const child of children.splice(0)) child.kill('SIGKILL');
});

function tidemark({ home, cache }: Config, ...args: readonly string[]) {
  const child = spawn(join(root, 'bin/tidemark'), args, {
    cwd: root,
    stdio: ['ignore', 'pipe', 'pipe'],
    env: {
      PATH: `${join(process.execPath, '..')}:${process.env.PATH}`,
      TIDEMARK_CACHE: cache,
      TIDEMARK_HOME: home,
    },
  });
  children.push(child);
  let said = '';
  child.stderr.on('data', (text) => {
    said += text;
  });
  return { child, exited: once(child, 'exit'), said: () => said };
}

/** Everything that runs from the home, whether the state knows it or not. */
function running({ home }: Config): readonly string[] {
  return execFileSync('ps', ['-eo', 'pid=,ppid=,args='], { encoding: 'utf8' })
    .split('\n')
    .filter((line) => line.includes(home));
}

test('a command whose output is cut off while it starts the servers ends in order and leaves none', async () => {
  const config = freshConfig();
  const { child, exited } = tidemark(config, 'worker', '--repo', 'feature_repo/assistant');
  // As `2>&1 | head -1` does.
  await once(child.stderr, 'data');
  child.stderr.destroy();
  child.stdout.destroy();
  expect(await exited).toEqual([0, null]);
  expect(running(config)).toEqual([]);
});

test('a terminal that is closed while the servers start ends the command in order, however often it says so', async () => {
  const config = freshConfig();
  const { child, exited, said } = tidemark(config, 'worker', '--repo', 'feature_repo/assistant');
  await expect.poll(said, { timeout: 30_000 }).toContain('Starting Temporal.');
  await expect.poll(() => running(config).length, { timeout: 30_000, interval: 5 }).toBeGreaterThan(0);
  child.kill('SIGHUP');
  await new Promise((resolve) => setTimeout(resolve, 50));
  child.kill('SIGHUP');
  expect(await exited).toEqual([0, null]);
  expect(running(config)).toEqual([]);
});

test('a second signal while the servers start ends the command at once, and them too', async () => {
  const config = freshConfig();
  const { child, exited, said } = tidemark(config, 'worker', '--repo', 'feature_repo/assistant');
  await expect.poll(said, { timeout: 30_000 }).toContain('Starting Temporal.');
  await expect.poll(() => running(config).length, { timeout: 30_000, interval: 5 }).toBeGreaterThan(0);
  child.kill('SIGINT');
  await new Promise((resolve) => setTimeout(resolve, 20));
  child.kill('SIGINT');
  expect(await exited).toEqual([130, null]);
  await expect.poll(() => running(config), { timeout: 30_000 }).toEqual([]);
});
