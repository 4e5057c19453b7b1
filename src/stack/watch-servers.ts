import { basename } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { messageOf, TidemarkError } from '../core/errors.ts';
import { type BringUpContext, bringUp } from './bring-up.ts';
import { withLock } from './lock.ts';
import { isMine, type Owned, type OwnedServers } from './owned-servers.ts';
import { hasEnded } from './process.ts';
import type { ServerName } from './server-name.ts';
import { readState } from './state.ts';

const LOOK_MILLIS = 500;
const ENDING_MILLIS = 100;
/** One that dies more often than this within the time will die again. */
const RESTARTS = 3;
const WITHIN_MILLIS = 60_000;

/**
 * Looks after the servers that this process owns: one that has ended is started again at its port, with its data, unless
 * somebody else stopped or replaced it. `onLost` is told of one that is given up. Ends when the returned function is
 * called; that resolves when nothing is being started any more.
 */
export function watchServers(
  owned: OwnedServers,
  context: BringUpContext,
  onLost: (error: TidemarkError) => void,
): () => Promise<void> {
  const { home } = context;
  const restarts = new Map<ServerName, readonly number[]>();
  let over = false;
  let looking: Promise<unknown> | undefined;

  async function look(): Promise<void> {
    const ended = [...owned.values()].filter(({ running }) => hasEnded(running));
    if (ended.length === 0) return;
    // Whoever stops servers holds the lock until the state says that it was on purpose.
    await withLock(
      home.lockFile,
      () => {},
      () => Promise.all(ended.map(replace)),
    );
  }

  async function replace(item: Owned): Promise<void> {
    if (over) return;
    const { server, running } = item;
    owned.delete(server.name);
    // That a process is gone can be seen a moment before Node tells how it ended.
    if (item.howEnded() === null) await sleep(ENDING_MILLIS);
    if (over) return;
    if (readState(home).servers[server.name] === undefined)
      context.onProgress(`${server.title} was stopped by another command, and is not started again.`);
    else if (isMine(home, item))
      await startAgain(
        item,
        `${server.title} ended unexpectedly (${item.howEnded() ?? `process ${running.pid}`})`,
      );
  }

  async function startAgain({ server, running }: Owned, what: string): Promise<void> {
    const now = performance.now();
    const recent = (restarts.get(server.name) ?? []).filter((time) => now - time < WITHIN_MILLIS);
    if (recent.length >= RESTARTS) {
      const log = home.log(server.name);
      const message = `${what} after it was started again ${RESTARTS} times within a minute; giving up. Its log is ${log} (of the starts before: ${basename(log)}.1 and so on).`;
      onLost(new TidemarkError('STACK_UNAVAILABLE', message));
      return;
    }
    restarts.set(server.name, [...recent, now]);
    context.onProgress(`${what}: starting it again on port ${running.port}.`);
    try {
      const up = await bringUp(server, { ...context, onProgress: () => {}, samePort: true });
      if (up.owned === null) return;
      owned.set(server.name, { server, running: up.owned, howEnded: up.howEnded });
      context.onProgress(`${server.title} runs again.`);
    } catch (error) {
      onLost(lost(`${what}, and cannot be started again`, error));
    }
  }

  const timer = setInterval(() => {
    looking ??= look()
      .catch((error: unknown) => {
        clearInterval(timer);
        onLost(lost('The embedded servers cannot be looked after any more', error));
      })
      .finally(() => {
        looking = undefined;
      });
  }, LOOK_MILLIS).unref();
  return async () => {
    over = true;
    clearInterval(timer);
    await looking;
  };
}

function lost(what: string, cause: unknown): TidemarkError {
  return new TidemarkError('STACK_UNAVAILABLE', `${what}: ${messageOf(cause)}`, { cause });
}
