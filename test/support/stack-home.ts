import { existsSync, mkdtempSync, realpathSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach } from 'vitest';
import { type Config, readConfig } from '../../src/config.ts';
import { homeAt } from '../../src/stack/home.ts';
import { isRunning } from '../../src/stack/process.ts';
import { stopStack } from '../../src/stack/stack.ts';
import { type RunningServer, readState } from '../../src/stack/state.ts';

const homes: string[] = [];

/** A home that does not exist yet; what runs from it is stopped, and it is removed, after the test. */
export function freshConfig(env: NodeJS.ProcessEnv = {}): Config {
  const cache = process.env.TIDEMARK_CACHE;
  const home = join(mkdtempSync(join(tmpdir(), 'tidemark-test-')), 'home');
  homes.push(home);
  return readConfig({
    ...(cache === undefined ? {} : { TIDEMARK_CACHE: cache }),
    ...env,
    TIDEMARK_HOME: home,
  });
}

afterEach(async () => {
  for (const home of homes.splice(0)) {
    await stopStack(readConfig({ TIDEMARK_HOME: home }));
    // A link, when the lent user of Postgres may not enter the home.
    if (existsSync(join(home, 'postgres')))
      rmSync(realpathSync(join(home, 'postgres')), { recursive: true, force: true });
    rmSync(join(home, '..'), { recursive: true, force: true });
  }
});

/** Of the servers that the home's state knows. */
export function pids(config: Config): readonly number[] {
  return Object.values(readState(homeAt(config.home)).servers).map((server) => server.pid);
}

export function alive(config: Config): readonly RunningServer[] {
  return Object.values(readState(homeAt(config.home)).servers).filter(isRunning);
}
