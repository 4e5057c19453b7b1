import { spawn, spawnSync } from 'node:child_process';
import { closeSync, openSync, readFileSync } from 'node:fs';
import { basename } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { keepLog } from './logs.ts';
import type { Launch } from './server.ts';

/** A server process, known by pid and by the program it runs (a pid alone may have been given to another one). */
export interface ServerProcess {
  readonly pid: number;
  readonly program: string;
}

export interface Spawned extends ServerProcess {
  /** How it ended, or null while it runs. */
  ended(): string | null;
}

/**
 * Starts a server in a session of its own: Ctrl-C in a terminal reaches only the process that started the stack,
 * which then stops the servers in order. Output goes to the log file, so no pipe ties the two together. `note` is told
 * of it in the turn in which it comes to be: whoever is killed a moment later leaves nobody that is unknown.
 */
export function spawnServer(
  launch: Launch,
  port: number,
  logFile: string,
  note: (server: ServerProcess) => void,
): Promise<Spawned> {
  keepLog(logFile);
  const log = openSync(logFile, 'a', 0o600);
  const program = basename(launch.file);
  let end: string | null = null;
  return new Promise((resolve, reject) => {
    const child = spawn(launch.file, launch.args(port), {
      detached: true,
      stdio: ['ignore', log, log],
      env: launch.env,
      ...(launch.user ?? {}),
    });
    closeSync(log);
    if (child.pid !== undefined) note({ pid: child.pid, program });
    child.unref();
    child.once('exit', (code, signal) => {
      end = signal === null ? `exit code ${code}` : `signal ${signal}`;
    });
    child.once('error', (error) => {
      end ??= error.message;
      reject(error);
    });
    child.once('spawn', () => {
      if (child.pid === undefined) reject(new Error(`${launch.file} has no process id.`));
      else resolve({ pid: child.pid, program, ended: () => end });
    });
  });
}

/** False for a process that is gone, is a zombie, or is another program under a reused pid. */
export function isRunning({ pid, program }: ServerProcess): boolean {
  return commandLine(pid).includes(program);
}

/** Whether it is gone for certain; asks the system for nothing but that, as it is asked often. */
export function hasEnded({ pid }: ServerProcess): boolean {
  try {
    process.kill(pid, 0);
    if (process.platform !== 'linux') return false;
    // Where nobody takes the dead away (process 1 of a container may not), they stay as zombies.
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    return stat.slice(stat.lastIndexOf(')')).startsWith(') Z');
  } catch (error) {
    return error instanceof Error && 'code' in error && error.code === 'ESRCH';
  }
}

/** Empty for a process that does not exist (or is a zombie, which has no command line any more). */
export function commandLine(pid: number): string {
  if (process.platform === 'linux') {
    try {
      return readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ').trim();
    } catch {
      return '';
    }
  }
  const listed = spawnSync('ps', ['-o', 'stat=,command=', '-p', String(pid)], { encoding: 'utf8' });
  const line = listed.stdout?.trim() ?? '';
  return line.startsWith('Z') ? '' : line;
}

/** Asks the process to end and waits; after `deadlineMs` it is killed. Does nothing when it is gone already. */
export async function stopProcess(
  server: ServerProcess,
  signal: NodeJS.Signals,
  deadlineMs = 15_000,
): Promise<void> {
  for (const [with_, within] of [
    [signal, deadlineMs],
    ['SIGKILL', 5_000],
  ] as const) {
    if (!signalProcess(server, with_)) return;
    const deadline = performance.now() + within;
    while (performance.now() < deadline) {
      if (!isRunning(server)) return;
      await sleep(20);
    }
  }
}

/** False when there was nobody to receive it. */
export function signalProcess(server: ServerProcess, signal: NodeJS.Signals): boolean {
  if (!isRunning(server)) return false;
  try {
    process.kill(server.pid, signal);
    return true;
  } catch {
    return false;
  }
}
