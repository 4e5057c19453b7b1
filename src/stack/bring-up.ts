import { basename } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { TidemarkError } from '../core/errors.ts';
import { endOf } from './logs.ts';
import { freePort, isFree } from './ports.ts';
import { commandLine, isRunning, type Spawned, spawnServer, stopProcess } from './process.ts';
import type { Launch, PrepareContext, Server } from './server.ts';
import { endedText, reasonOf, unusableText } from './server-problems.ts';
import { forgetServer, noteServer, type RunningServer, readState } from './state.ts';

export interface BringUpContext extends PrepareContext {
  /** The process that stops what is started here; null to leave it running. */
  readonly owner: number | null;
  /** Its last port or none: this process has connections to it there. */
  readonly samePort?: boolean;
}

export interface Up {
  readonly address: string;
  readonly origin: 'given' | 'reused' | 'started';
  /** What this process must stop, if anything. */
  readonly owned: RunningServer | null;
  /** How it ended, where this process started it and it has. */
  howEnded(): string | null;
}

const HEALTH_DEADLINE_MS = 90_000;
const REUSE_DEADLINE_MS = 15_000;
const START_ATTEMPTS = 3;
const PORT_DEADLINE_MS = 5_000;
const PORT_TAKEN = /address already in use|could not bind|port .*in use|Failed listening on port/i;

/** Gives one server's address, with the server answering behind it. The caller holds the home's lock. */
export async function bringUp(server: Server, context: BringUpContext): Promise<Up> {
  const given = server.given(context.config);
  if (given !== null) return useGiven(server, given, context);
  const noted = readState(context.home).servers[server.name];
  const reused = noted === undefined ? null : await reuse(server, noted, context);
  if (reused !== null) return reused;
  const launch = await server.prepare(context);
  context.onProgress(`Starting ${server.title}.`);
  const owner = noted?.owner === null ? null : context.owner;
  const { running, howEnded } = await start(server, launch, { ...context, owner });
  const owned = owner === null ? null : running;
  return { address: running.address, origin: 'started', owned, howEnded };
}

async function useGiven(server: Server, address: string, { config }: BringUpContext): Promise<Up> {
  try {
    await server.probe(address, config);
  } catch (cause) {
    throw new TidemarkError('STACK_UNAVAILABLE', unusableText(server, cause), { cause });
  }
  return { address, origin: 'given', owned: null, howEnded: unknown };
}

/** Null when nothing usable runs; a server that runs but does not answer is ended first. */
async function reuse(server: Server, noted: RunningServer, context: BringUpContext): Promise<Up | null> {
  const { config, home, owner } = context;
  if (noted.owner === null && !isRunning(noted)) {
    const log = home.log(server.name);
    context.onProgress(
      `${endedText(server, noted)}: starting it again, to run until tidemark stack down. Its log is ${log}.1.`,
    );
  }
  const deadline = performance.now() + REUSE_DEADLINE_MS;
  while (isRunning(noted)) {
    // Its parent may have died while it was still starting, so one refusal is not the answer.
    const healthy = await server.probe(noted.address, config).then(
      () => true,
      () => false,
    );
    if (healthy) return adopt(server, noted, owner, context);
    if (performance.now() > deadline) {
      context.onProgress(`${server.title} (process ${noted.pid}) does not answer; replacing it.`);
      await stopProcess(noted, server.stopSignal);
      break;
    }
    await sleep(100);
  }
  forgetServer(home, server.name);
  return null;
}

/**
 * A server whose owner is gone would never be stopped; the process that finds it takes it over. Starting detached
 * takes it over in any case, so that it outlives its owner.
 */
function adopt(server: Server, noted: RunningServer, owner: number | null, { home }: BringUpContext): Up {
  const reused = { address: noted.address, origin: 'reused', howEnded: unknown } as const;
  const orphaned = noted.owner !== null && commandLine(noted.owner) === '';
  if (owner !== null && !orphaned) return { ...reused, owned: null };
  const adopted = { ...noted, owner };
  noteServer(home, server.name, adopted);
  return { ...reused, owned: owner === null ? null : adopted };
}

function unknown(): null {
  return null;
}

interface Started {
  readonly running: RunningServer;
  howEnded(): string | null;
}

async function start(server: Server, launch: Launch, context: BringUpContext): Promise<Started> {
  const { config, home, owner } = context;
  const logFile = home.log(server.name);
  let port = await portFor(server, context);
  let endedBefore = false;
  for (let attempt = 1; ; attempt += 1) {
    const address = launch.address(port);
    const spawned = await spawnServer(launch, port, logFile, (started) =>
      noteServer(home, server.name, { ...started, port, address, owner }),
    );
    const running = { pid: spawned.pid, program: spawned.program, port, address, owner };
    const failure = await untilHealthy(() => server.probe(address, config), spawned);
    if (failure === null) return { running, howEnded: spawned.ended };
    await stopProcess(spawned, server.stopSignal);
    forgetServer(home, server.name);
    const tail = endOf(logFile);
    if (attempt < START_ATTEMPTS && PORT_TAKEN.test(tail) && context.samePort !== true) {
      port = await freePort();
      continue;
    }
    // Once in a while one dies of a race in its own start, and does not do so again.
    if (spawned.ended() !== null && !endedBefore) {
      endedBefore = true;
      context.onProgress(`${server.title} did not start (${failure}); trying once more.`);
      continue;
    }
    throw new TidemarkError(
      'STACK_UNAVAILABLE',
      `Cannot start ${server.title}${attempt > 1 ? ` in ${attempt} attempts` : ''}: ${failure}. Its log is ${logFile} (of the starts before: ${basename(logFile)}.1 and so on), where it says:\n${tail}`,
    );
  }
}

/** The port it had last: processes that still use it find it there again. */
async function portFor(server: Server, { home, onProgress, samePort }: BringUpContext): Promise<number> {
  const last = readState(home).ports[server.name];
  const deadline = performance.now() + PORT_DEADLINE_MS;
  do {
    if (last !== undefined && (await isFree(last))) return last;
    if (samePort === true) await sleep(100);
  } while (samePort === true && performance.now() < deadline);
  if (samePort === true)
    throw new TidemarkError('STACK_UNAVAILABLE', `another program listens on its port ${last}`);
  const port = await freePort();
  if (last !== undefined)
    onProgress(
      `${server.title} moves to port ${port}, as another program has its last one, ${last}. Start again what uses it there.`,
    );
  return port;
}

/** Null when it answers, else why it will not. */
async function untilHealthy(probe: () => Promise<void>, spawned: Spawned): Promise<string | null> {
  const deadline = performance.now() + HEALTH_DEADLINE_MS;
  let wait = 25;
  for (;;) {
    const ended = spawned.ended();
    if (ended !== null) return `it ended with ${ended}`;
    try {
      await probe();
      return null;
    } catch (error) {
      if (performance.now() > deadline)
        return `it did not answer within ${HEALTH_DEADLINE_MS / 1000} s (${reasonOf(error)})`;
    }
    await sleep(wait);
    wait = Math.min(wait * 2, 200);
  }
}
