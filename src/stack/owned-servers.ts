import type { Home } from './home.ts';
import { withLock } from './lock.ts';
import { signalProcess, stopProcess } from './process.ts';
import type { Progress, Server } from './server.ts';
import type { ServerName } from './server-name.ts';
import { forgetServer, type RunningServer, readState } from './state.ts';

export interface Owned {
  readonly server: Server;
  readonly running: RunningServer;
  /** Null when it runs, or ended without this process being told how. */
  howEnded(): string | null;
}

/** What this process stops when it ends. */
export type OwnedServers = Map<ServerName, Owned>;

/** Another process may have replaced a server that died, or `detached` may have taken this one over for good. */
export function isMine(home: Home, { server, running }: Owned): boolean {
  const noted = readState(home).servers[server.name];
  return noted === undefined || (noted.pid === running.pid && noted.owner === running.owner);
}

/**
 * Asks the servers to end when this process ends in whatever way (but for kill -9) before they were stopped: also those
 * that are being started at that moment, which only the state knows. Returns what takes it back.
 */
export function endWithProcess(home: Home, servers: readonly Server[], owned: OwnedServers): () => void {
  const onExit = () => {
    const noted = readState(home).servers;
    for (const server of servers) {
      const running = noted[server.name] ?? owned.get(server.name)?.running;
      if (running?.owner === process.pid) signalProcess(running, server.stopSignal);
    }
  };
  process.once('exit', onExit);
  return () => process.off('exit', onExit);
}

export function stopOwned(home: Home, owned: OwnedServers, onProgress: Progress): Promise<void> {
  return withLock(home.lockFile, onProgress, async () => {
    await Promise.all(
      [...owned.values()]
        .filter((item) => isMine(home, item))
        .map(async ({ server, running }) => {
          await stopProcess(running, server.stopSignal);
          forgetServer(home, server.name);
        }),
    );
  });
}
