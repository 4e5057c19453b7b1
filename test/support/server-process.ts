import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { afterAll } from 'vitest';

const TIDEMARK = join(import.meta.dirname, '../../bin/tidemark');
const alive = new Set<ServerProcess>();

afterAll(async () => {
  await Promise.all([...alive].map((server) => server.end('SIGKILL')));
});

/** `tidemark serve` in a process of its own, as a person runs it. */
export interface ServerProcess {
  readonly url: string;
  /** Signals the process alone; resolves to its exit code. */
  end(signal: 'SIGTERM' | 'SIGKILL'): Promise<number | null>;
  /** What it has said so far. */
  output(): string;
}

/** Killed with its test file when it was not before. */
export async function serverProcess(
  env: Readonly<Record<string, string>>,
  ...args: readonly string[]
): Promise<ServerProcess> {
  const child = spawn(process.execPath, [TIDEMARK, 'serve', '--port', '0', ...args], {
    stdio: ['ignore', 'ignore', 'pipe'],
    env: { PATH: process.env.PATH, ...env },
  });
  const exited = once(child, 'exit');
  let text = '';
  const url = await new Promise<string>((resolve, reject) => {
    child.stderr.on('data', (chunk: Buffer) => {
      text += chunk.toString();
      const found = /on (http:\S+)\. Stop/.exec(text)?.[1];
      if (found !== undefined) resolve(found);
    });
    child.once('exit', (code) => reject(new Error(`the server ended with ${code}: ${text}`)));
  });
  const server: ServerProcess = {
    url,
    async end(signal) {
      alive.delete(server);
      if (child.exitCode === null && child.signalCode === null) child.kill(signal);
      await exited;
      return child.exitCode;
    },
    output: () => text,
  };
  alive.add(server);
  return server;
}
