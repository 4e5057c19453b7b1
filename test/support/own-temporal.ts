import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { readConfig } from '../../src/config.ts';
import { homeAt } from '../../src/stack/home.ts';
import { freePort } from '../../src/stack/ports.ts';
import { temporal } from '../../src/stack/temporal.ts';

/** A Temporal of one test's own, which may be stopped and started again with all that it knew. */
export interface OwnTemporal {
  readonly address: string;
  start(): Promise<void>;
  stop(signal: 'SIGTERM' | 'SIGKILL'): Promise<void>;
  remove(): Promise<void>;
}

/** Not started yet. */
export async function ownTemporal(): Promise<OwnTemporal> {
  const home = homeAt(mkdtempSync(join(tmpdir(), 'tidemark-temporal-')));
  const config = readConfig({ TIDEMARK_HOME: home.path, TIDEMARK_CACHE: process.env.TIDEMARK_CACHE });
  const launch = await temporal.prepare({ config, home, onProgress: () => {} });
  const port = await freePort();
  const address = launch.address(port);
  let child: ChildProcess | undefined;

  async function stop(signal: NodeJS.Signals): Promise<void> {
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return;
    const exited = once(child, 'exit');
    child.kill(signal);
    await exited;
  }

  return {
    address,
    async start() {
      child = spawn(launch.file, launch.args(port), { stdio: 'ignore', env: launch.env });
      for (let tries = 0; ; tries++) {
        try {
          await temporal.probe(address, config);
          return;
        } catch (error) {
          if (tries === 200) throw error;
          await sleep(50);
        }
      }
    },
    stop,
    async remove() {
      await stop('SIGKILL');
      rmSync(home.path, { recursive: true, force: true });
    },
  };
}
