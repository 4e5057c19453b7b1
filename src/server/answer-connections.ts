import type { Socket } from 'node:net';
import { createApp } from './app.ts';
import type { AppDependencies } from './dependencies.ts';
import { freeTime } from './free-time.ts';

/** Answers requests on connections that were let in elsewhere: by a door of this process, or of its primary. */
export interface Answering {
  /** Nothing of it has been read. */
  take(connection: Socket): void;
  /** From now on every answer ends its connection, and /health is 503: others should be asked. */
  leave(): void;
  /**
   * Answers what comes on the connections it has, each with the word that it ends, until they are gone; those on which
   * nothing comes are kept for a second, not counting what this process is busy with itself. After 25 seconds those
   * that are left are cut off, whether a client has stopped in the middle of its request, waits for its answer or has
   * not read it to the end. What was given to it stays open.
   */
  close(): Promise<void>;
}

/** A connection, and what comes and goes on it. */
interface Held {
  /** That have begun, and whose answers have not been sent to the end. */
  requests: number;
  /** What had been read when the last one was answered; more is the beginning of another. */
  bytesAtRest: number;
  /** In free milliseconds of closing. */
  quietSince: number;
}

const IDLE_GRACE_MILLIS = 1000;
/** Shorter than a primary, or Kubernetes by default, waits for a process to end: what is written is still closed. */
const LONGEST_CLOSE_MILLIS = 25_000;

/** Much longer than a route needs that waits for a server which is away. */
const STALLED_MILLIS = 30_000;
/** From its first byte to its last: 8 MiB at a megabit a second. */
const LONGEST_REQUEST_MILLIS = 70_000;

export interface Patience {
  /** How long closing waits for those who are busy; default 25,000. */
  readonly longestCloseMillis?: number;
  /**
   * After so long in which nothing moves on it, before its first request or while one or its answer is under way, a
   * connection is cut off (an answer that has begun to be read after at most twice that); default 30,000.
   */
  readonly stalledMillis?: number;
}

export async function answerConnections(
  deps: AppDependencies,
  { longestCloseMillis = LONGEST_CLOSE_MILLIS, stalledMillis = STALLED_MILLIS }: Patience = {},
): Promise<Answering> {
  const app = createApp({ processMetrics: true, ...deps });
  await app.ready();
  // What is under way counts as load: who is gone without a word, or never reads, would leave less for all others.
  app.server.timeout = stalledMillis;
  app.server.requestTimeout = LONGEST_REQUEST_MILLIS;
  // It never listens itself, and would not keep the time of connections on which requests come too slowly.
  app.server.emit('listening');
  // Undocumented, and as old as Node's server: who ends its side after its request still gets the answer.
  Object.assign(app.server, { httpAllowHalfOpen: true });
  const open = new Map<Socket, Held>();
  app.server.on('request', (request, response) => {
    const { socket } = request;
    const held = open.get(socket);
    if (held === undefined) return;
    held.requests += 1;
    const rest = () => {
      if (held.requests === 0) held.bytesAtRest = socket.bytesRead;
    };
    // Not before the system has taken the last byte of the answer, however slowly it is read.
    response.once('close', () => {
      held.requests -= 1;
      rest();
      // What is left of a body that was refused is no beginning of another.
      if (!request.complete) request.once('end', rest);
    });
  });
  const isBusy = (connection: Socket, { requests, bytesAtRest }: Held) =>
    requests > 0 || connection.writableLength > 0 || connection.bytesRead > bytesAtRest;
  return {
    take(connection) {
      open.set(connection, { requests: 0, bytesAtRest: 0, quietSince: 0 });
      connection.once('close', () => open.delete(connection));
      app.server.emit('connection', connection);
      connection.resume();
    },
    leave: () => app.drain(),
    async close() {
      // Closing at once would break requests that are on their way over kept connections; who is busy has come by
      // before the grace is over.
      app.drain();
      const end = performance.now() + longestCloseMillis;
      const free = freeTime();
      while (open.size > 0) {
        await new Promise((resolve) => setTimeout(resolve, 10));
        const now = free();
        const isLast = performance.now() >= end;
        for (const [connection, held] of open) {
          if (isBusy(connection, held)) held.quietSince = now;
          if (isLast || now - held.quietSince >= IDLE_GRACE_MILLIS) connection.destroy();
        }
      }
      await app.close();
    },
  };
}
