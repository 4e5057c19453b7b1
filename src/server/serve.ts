import { Server as NetServer } from 'node:net';
import type { FastifyInstance } from 'fastify';
import { messageOf, TidemarkError } from '../core/errors.ts';
import { createApp } from './app.ts';
import type { AppDependencies } from './dependencies.ts';

export interface ServeOptions extends AppDependencies {
  readonly host: string;
  /** 0 for any free one. */
  readonly port: number;
}

export interface RunningServer {
  /** `http://127.0.0.1:6566` */
  readonly url: string;
  /** Takes no new connections, and answers on those it has as before; `close` begins with it. */
  stopAccepting(): void;
  /**
   * Takes no new connections, answers what comes on those it has, and ends when they are gone; connections on which
   * nothing comes are kept a second at most. What was given to it stays open.
   */
  close(): Promise<void>;
}

/** Listens until closed. CONFIG_INVALID when the address cannot be used (taken, not ours). */
export async function serve({ host, port, ...deps }: ServeOptions): Promise<RunningServer> {
  const app = createApp({ processMetrics: true, ...deps });
  try {
    await app.listen({ host, port });
  } catch (error) {
    await app.close();
    throw new TidemarkError(
      'CONFIG_INVALID',
      `Cannot serve on ${host}:${port}: ${messageOf(error)}. Set TIDEMARK_HOST and TIDEMARK_PORT to a free address.`,
      { cause: error },
    );
  }
  const address = app.server.address();
  const taken = address !== null && typeof address === 'object' ? address.port : port;
  const shown = host.includes(':') ? `[${host}]` : host;
  return {
    url: `http://${shown}:${taken}`,
    stopAccepting: () => stopAccepting(app),
    close: () => drain(app),
  };
}

const IDLE_GRACE_MILLIS = 1000;

/**
 * Closing at once would break requests that are on their way over kept connections. So those are first answered, each
 * with the word that its connection ends; who is busy has come by before the grace is over.
 */
async function drain(app: FastifyInstance): Promise<void> {
  await quietTurn();
  stopAccepting(app);
  app.drain();
  const end = performance.now() + IDLE_GRACE_MILLIS;
  while (performance.now() < end && (await connectionsOf(app)) > 0) await sleep(10);
  await app.close();
}

const QUIET_MILLIS = 0.2;
const LONGEST_WAIT_MILLIS = 100;

/**
 * Resolves after a turn of the event loop in which next to nothing happened. Connections that the system has taken and
 * this process has not would be reset with the listening socket: while it is busy there are some, now there are none.
 */
async function quietTurn(): Promise<void> {
  await turn();
  const end = performance.now() + LONGEST_WAIT_MILLIS;
  for (let start = performance.now(), last = start; start < end; last = start) {
    await turn();
    start = performance.now();
    if (start - last < QUIET_MILLIS) return;
  }
}

const turn = () => new Promise<void>((resolve) => setImmediate(resolve));

function stopAccepting({ server }: FastifyInstance): void {
  // Only the listening socket: an HTTP server's own `close` also ends connections that are idle just now.
  if (server.listening) NetServer.prototype.close.call(server);
}

const sleep = (millis: number) => new Promise((resolve) => setTimeout(resolve, millis));

function connectionsOf({ server }: FastifyInstance): Promise<number> {
  return new Promise((resolve) =>
    server.getConnections((error, count) => resolve(error === null ? count : 0)),
  );
}
