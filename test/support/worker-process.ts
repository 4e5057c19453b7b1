import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { afterAll } from 'vitest';

const TIDEMARK = join(import.meta.dirname, '../../bin/tidemark');
const alive = new Set<WorkerProcess>();

afterAll(async () => {
  await Promise.all([...alive].map((worker) => worker.kill('SIGKILL')));
});

/** `tidemark worker` in a process of its own, as a person runs it. */
export interface WorkerProcess {
  readonly pid: number;
  /** Signals the process and all that it started, and waits for its end. */
  kill(signal: 'SIGKILL' | 'SIGTERM'): Promise<void>;
  /** What it has said so far. */
  output(): string;
}

/** Killed with its test file when it was not before. Also another command that runs until it is stopped. */
export async function workerProcess(
  env: Readonly<Record<string, string>>,
  command: readonly string[] = ['worker'],
): Promise<WorkerProcess> {
  const child = spawn(process.execPath, [TIDEMARK, ...command], {
    detached: true,
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { PATH: process.env.PATH, ...env },
  });
  await once(child, 'spawn');
  const { pid } = child;
  if (pid === undefined) throw new Error('The worker has no process id.');
  let text = '';
  const hear = (chunk: Buffer) => {
    text += chunk.toString();
  };
  child.stdout.on('data', hear);
  child.stderr.on('data', hear);
  const exited = once(child, 'exit');
  const worker: WorkerProcess = {
    pid,
    async kill(signal) {
      alive.delete(worker);
      if (child.exitCode === null && child.signalCode === null) process.kill(-pid, signal);
      await exited;
    },
    output: () => text,
  };
  alive.add(worker);
  return worker;
}
