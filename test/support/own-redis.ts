import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { readConfig } from '../../src/config.ts';
import { homeAt } from '../../src/stack/home.ts';
import { freePort } from '../../src/stack/ports.ts';
import { redis } from '../../src/stack/redis.ts';

/** A Redis of one test's own, for what would disturb others: stopped, killed, restarted on the same port. */
export interface OwnRedis {
  readonly url: string;
  readonly port: number;
  start(): Promise<void>;
  /** `SIGSTOP` makes it hang until `SIGCONT`. */
  signal(signal: 'SIGSTOP' | 'SIGCONT'): void;
  stop(signal: 'SIGTERM' | 'SIGKILL'): Promise<void>;
  remove(): Promise<void>;
}

/** Not started yet. `args` are more of the server's own, such as `--requirepass`. */
export async function ownRedis(args: readonly string[] = []): Promise<OwnRedis> {
  const home = homeAt(mkdtempSync(join(tmpdir(), 'tidemark-redis-')));
  mkdirSync(home.redisData, { recursive: true });
  const config = readConfig({ TIDEMARK_HOME: home.path });
  const launch = await redis.prepare({ config, home, onProgress: () => {} });
  const port = await freePort();
  const url = launch.address(port);
  let child: ChildProcess | undefined;

  async function stop(signal: NodeJS.Signals): Promise<void> {
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return;
    const exited = once(child, 'exit');
    child.kill(signal);
    await exited;
  }

  return {
    url,
    port,
    async start() {
      child = spawn(launch.file, [...launch.args(port), ...args], { stdio: 'ignore', env: launch.env });
      for (let tries = 0; ; tries++) {
        try {
          await redis.probe(url, config);
          return;
        } catch (error) {
          if (String(error).includes('NOAUTH') || String(error).includes('HELLO')) return;
          if (tries === 200) throw error;
          await sleep(25);
        }
      }
    },
    signal(signal) {
      child?.kill(signal);
    },
    stop,
    async remove() {
      child?.kill('SIGCONT');
      await stop('SIGKILL');
      rmSync(home.path, { recursive: true, force: true });
    },
  };
}
