import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { pythonWith } from './python-package.ts';

const run = promisify(execFile);
const MOTO = '5.2.5';

export interface S3Server {
  /** `http://127.0.0.1:…` */
  readonly endpoint: string;
  /** Those of the one user who may read. */
  readonly id: string;
  readonly secret: string;
  stop(): Promise<void>;
}

/** Moto on a free port of this machine, with `files` (relative to `folder`) in `bucket`, and signatures checked. */
export async function startS3(folder: string, bucket: string, files: readonly string[]): Promise<S3Server> {
  const python = await pythonWith('moto', 'moto[server]', MOTO);
  const port = await freePort();
  const endpoint = `http://127.0.0.1:${port}`;
  const server = spawn(python, ['-m', 'moto.server', '-H', '127.0.0.1', '-p', String(port)], {
    stdio: 'ignore',
    env: { ...process.env, INITIAL_NO_AUTH_ACTION_COUNT: '1000000' },
  });
  try {
    await answers(server, endpoint);
    const setup = await run(python, [join(import.meta.dirname, 's3-server.py'), endpoint, bucket, ...files], {
      cwd: folder,
    });
    await fetch(`${endpoint}/moto-api/reset-auth`, { method: 'POST', body: '0' });
    return { endpoint, ...JSON.parse(setup.stdout), stop: () => stop(server) };
  } catch (error) {
    await stop(server);
    throw error;
  }
}

async function freePort(): Promise<number> {
  const probe = createServer().listen(0, '127.0.0.1');
  await once(probe, 'listening');
  const address = probe.address();
  probe.close();
  await once(probe, 'close');
  if (address === null || typeof address === 'string') throw new Error('The probe has no port');
  return address.port;
}

async function answers(server: ChildProcess, endpoint: string): Promise<void> {
  for (let tries = 0; tries < 300; tries++) {
    if (server.exitCode !== null) throw new Error(`Moto ended with ${server.exitCode}`);
    const reply = await fetch(`${endpoint}/moto-api/data.json`).catch(() => undefined);
    if (reply?.ok) return;
    await sleep(100);
  }
  throw new Error('Moto does not answer');
}

async function stop(server: ChildProcess): Promise<void> {
  if (server.exitCode !== null) return;
  server.kill('SIGKILL');
  await once(server, 'exit');
}
