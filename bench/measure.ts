import { fork } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Outcome, World } from './benchmark.ts';

/** What one run of one case came to. */
export interface Measured extends Outcome {
  readonly elapsed: number;
  /** Seconds of all processors that this process took for it: others' load changes them less than the time. */
  readonly processor: number;
  /** The most memory that the process has had up to the end of the timed part, in bytes. */
  readonly peak: number;
  /** What it had before that part: Node, the libraries, and what was set up. */
  readonly before: number;
}

const CHILD = join(import.meta.dirname, 'child.ts');

/** Runs a step (`prepare`, `clean up`, or the name of a case) of a benchmark in a new process and returns what it tells. */
export function inItsOwnProcess(
  name: string,
  step: string,
  world: World,
  env: NodeJS.ProcessEnv,
): Promise<unknown> {
  return new Promise((resolve, reject) => {
    let told: unknown;
    const child = fork(CHILD, [name, step, JSON.stringify(world)], {
      env,
      stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
    });
    child.on('message', (message) => {
      told = message;
    });
    child.once('error', reject);
    child.once('exit', (code, signal) => {
      if (code === 0 && told !== undefined) resolve(told);
      else reject(new Error(`"${step}" of benchmark ${name} ended with ${signal ?? code}`));
    });
  });
}

export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = Math.floor(sorted.length / 2);
  const upper = sorted[middle] ?? Number.NaN;
  return sorted.length % 2 === 1 ? upper : ((sorted[middle - 1] ?? Number.NaN) + upper) / 2;
}

/**
 * The most memory this process has had. On Linux not from `resourceUsage`: its `maxRSS` begins with what the parent
 * had when it forked.
 */
export function peakMemory(): number {
  return statusBytes('self', 'VmHWM') ?? process.resourceUsage().maxRSS * 1024;
}

/** The most memory another process has had; undefined where that cannot be told. */
export function peakMemoryOf(pid: number): number | undefined {
  return statusBytes(String(pid), 'VmHWM');
}

function statusBytes(pid: string, field: string): number | undefined {
  try {
    const found = new RegExp(`^${field}:\\s+(\\d+) kB$`, 'm').exec(
      readFileSync(`/proc/${pid}/status`, 'utf8'),
    );
    return found === null ? undefined : Number(found[1]) * 1024;
  } catch {
    return undefined;
  }
}
