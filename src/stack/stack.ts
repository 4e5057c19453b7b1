import type { Config } from '../config.ts';
import { messageOf, TidemarkError } from '../core/errors.ts';
import { type BringUpContext, bringUp, type Up } from './bring-up.ts';
import { type Home, homeAt, makeHome } from './home.ts';
import { withLock } from './lock.ts';
import { endWithProcess, type OwnedServers, stopOwned } from './owned-servers.ts';
import { isRunning, stopProcess } from './process.ts';
import type { Progress, Server } from './server.ts';
import type { ServerName } from './server-name.ts';
import { SERVERS } from './servers.ts';
import { forgetServer, readState } from './state.ts';
import { watchServers } from './watch-servers.ts';

/**
 * The embedded stack: real servers on ports of 127.0.0.1 (free ones, then the same again), with their data in the home.
 *
 * 1. What is given by address in the config is asked whether it answers, and never started or stopped.
 * 2. A server has one owner, the process that started it, which stops it; others on the same home reuse it.
 *    It starts one that ended by itself again, where it was, until that happens too often.
 *    The servers of an owner that died are taken over by the next process that starts the stack.
 * 3. Starting and stopping happen under one lock per home, so two processes never start a server twice.
 * 4. A detached stack has no owner and runs until `stopStack`. Nobody watches it: one of its servers that has ended is
 *    started again by the next process that starts the stack, and has no owner again.
 */
export interface Addresses {
  readonly databaseUrl: string;
  readonly redisUrl: string;
  readonly temporalAddress: string;
}

export interface Stack {
  readonly addresses: Addresses;
  /** The servers that this call started; those it found running, or that were given, are not among them. */
  readonly started: readonly ServerName[];
  /** Stops what this stack owns and waits until it is gone; a second call does nothing. */
  stop(): Promise<void>;
}

export interface StartOptions {
  readonly onProgress?: Progress;
  /** Leave the servers running when this process ends. */
  readonly detached?: boolean;
  /** Told once of each server that ended by itself and is given up: STACK_UNAVAILABLE. */
  onLost?(error: TidemarkError): void;
}

/** Throws STACK_UNAVAILABLE; what this call had started by then is stopped again. */
export async function startStack(config: Config, options: StartOptions = {}): Promise<Stack> {
  const onProgress = options.onProgress ?? (() => {});
  const home = homeAt(config.home);
  const context: BringUpContext = {
    config,
    home,
    onProgress,
    owner: options.detached === true ? null : process.pid,
  };
  const owned: OwnedServers = new Map();
  const letGo = endWithProcess(home, SERVERS, owned);
  const all = () => Promise.all(SERVERS.map((server) => attempt(server, context)));
  const settled = await (SERVERS.every((server) => server.given(config) !== null)
    ? all()
    : inHome(home, onProgress, () => withLock(home.lockFile, onProgress, all))
  ).catch((error: unknown) => {
    letGo();
    throw error;
  });
  for (const result of settled)
    if (result.ok && result.up.owned !== null)
      owned.set(result.server.name, {
        server: result.server,
        running: result.up.owned,
        howEnded: result.up.howEnded,
      });
  const watch =
    owned.size === 0
      ? null
      : watchServers(owned, context, options.onLost ?? ((error) => onProgress(error.message)));
  if (watch === null) letGo();
  const end = async () => {
    if (watch === null) return;
    await watch();
    if (owned.size > 0) await stopOwned(home, owned, onProgress);
    letGo();
  };
  let stopping: Promise<void> | undefined;
  const stop = () => {
    stopping ??= end();
    return stopping;
  };
  const failures = settled.flatMap((result) => (result.ok ? [] : [result.error]));
  if (failures.length > 0) {
    await stop();
    throw combined(failures);
  }
  const addressOf = (name: ServerName) =>
    settled.map((result) => (result.ok && result.server.name === name ? result.up.address : '')).join('');
  return {
    addresses: {
      databaseUrl: addressOf('postgres'),
      redisUrl: addressOf('redis'),
      temporalAddress: addressOf('temporal'),
    },
    started: settled.flatMap((result) =>
      result.ok && result.up.origin === 'started' ? [result.server.name] : [],
    ),
    stop,
  };
}

/** Stops every server that runs from this home, whoever started it; returns the names of those that ran. */
export async function stopStack(
  config: Config,
  onProgress: Progress = () => {},
): Promise<readonly ServerName[]> {
  const home = homeAt(config.home);
  if (Object.keys(readState(home).servers).length === 0) return [];
  return withLock(home.lockFile, onProgress, async () => {
    const stopped = await Promise.all(
      SERVERS.map(async (server) => {
        const running = readState(home).servers[server.name];
        if (running === undefined) return [];
        const ran = isRunning(running);
        await stopProcess(running, server.stopSignal);
        forgetServer(home, server.name);
        return ran ? [server.name] : [];
      }),
    );
    return stopped.flat();
  });
}

type Attempt =
  | { readonly ok: true; readonly server: Server; readonly up: Up }
  | { readonly ok: false; readonly server: Server; readonly error: TidemarkError };

/** All servers are tried even when one fails, so that a person learns of every missing thing at once. */
async function attempt(server: Server, context: BringUpContext): Promise<Attempt> {
  try {
    return { ok: true, server, up: await bringUp(server, context) };
  } catch (thrown) {
    const error =
      thrown instanceof TidemarkError
        ? thrown
        : new TidemarkError('STACK_UNAVAILABLE', `Cannot start ${server.title}: ${messageOf(thrown)}`, {
            cause: thrown,
          });
    return { ok: false, server, error };
  }
}

function combined(errors: readonly TidemarkError[]): TidemarkError {
  const [first] = errors;
  if (first !== undefined && errors.length === 1) return first;
  return new TidemarkError('STACK_UNAVAILABLE', errors.map((error) => error.message).join('\n'), {
    cause: first,
  });
}

async function inHome<T>(home: Home, onProgress: Progress, action: () => Promise<T>): Promise<T> {
  try {
    // Where the servers were expected to have their data already, it is in another folder.
    if (makeHome(home)) onProgress(`Making a new home for the embedded servers: ${home.path}.`);
  } catch (cause) {
    throw new TidemarkError(
      'STACK_UNAVAILABLE',
      `Cannot make the folder ${home.path} (${messageOf(cause)}). Set TIDEMARK_HOME to a folder you may write to.`,
      { cause },
    );
  }
  return action();
}
