import { mkdirSync, mkdtempSync, readdirSync, realpathSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import type { TestProject } from 'vitest/node';
import { readConfig } from '../../src/config.ts';
import { type Stack, startStack, stopStack } from '../../src/stack/stack.ts';
import type { Services } from './services.ts';

declare module 'vitest' {
  interface ProvidedContext {
    services: Services;
  }
}

/** Homes of test runs, each named by the pid of its run. */
const HOMES = join(import.meta.dirname, '../../node_modules/.cache/tidemark/test-homes');
const GIVEN = ['DATABASE_URL', 'REDIS_URL', 'TEMPORAL_ADDRESS', 'TIDEMARK_CACHE'] as const;

let stack: Stack | undefined;
let home: string | undefined;

/** One real stack for the whole run, on its own home; what the environment gives by address is used instead. */
export async function setup(project: TestProject): Promise<void> {
  mkdirSync(HOMES, { recursive: true });
  await sweep();
  home = mkdtempSync(join(HOMES, `${process.pid}-`));
  stack = await startStack(configFor(home));
  project.provide('services', stack.addresses);
}

export async function teardown(): Promise<void> {
  await stack?.stop();
  if (home !== undefined) remove(home);
}

function configFor(path: string) {
  const given = Object.fromEntries(GIVEN.map((name) => [name, process.env[name]]));
  return readConfig({ ...given, TIDEMARK_HOME: path });
}

/** A run that was killed could not clean up; the next one does it. */
async function sweep(): Promise<void> {
  for (const name of readdirSync(HOMES)) {
    if (isAlive(Number.parseInt(name, 10))) continue;
    const path = join(HOMES, name);
    await stopStack(configFor(path));
    remove(path);
  }
}

/** Postgres' folder may be a link to one outside the home. */
function remove(path: string): void {
  try {
    rmSync(realpathSync(join(path, 'postgres')), { recursive: true, force: true });
  } catch {
    // It was given by address.
  }
  rmSync(path, { recursive: true, force: true });
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return error instanceof Error && 'code' in error && error.code === 'EPERM';
  }
}
