import type { Socket } from 'node:net';
import { createApp } from './app.ts';
import type { AppDependencies } from './dependencies.ts';

/** Answers requests on connections that were let in elsewhere: by a door of this process, or of its primary. */
export interface Answering {
  /** Nothing of it has been read. */
  take(connection: Socket): void;
  /** From now on every answer ends its connection, and /health is 503: others should be asked. */
  leave(): void;
  /**
   * Answers what comes on the connections it has, each with the word that it ends, until they are gone; those on which
   * nothing comes are kept a second at most. After 25 seconds those that are left are cut off, whether a client has
   * stopped in the middle of its request or waits for its answer. What was given to it stays open.
   */
  close(): Promise<void>;
}

const IDLE_GRACE_MILLIS = 1000;
/** Shorter than a primary, or Kubernetes by default, waits for a process to end: what is written is still closed. */
const LONGEST_CLOSE_MILLIS = 25_000;

/** `longestCloseMillis`: how long closing waits for those who are busy; default 25,000. */
export async function answerConnections(
  deps: AppDependencies,
  longestCloseMillis: number = LONGEST_CLOSE_MILLIS,
): Promise<Answering> {
  const app = createApp({ processMetrics: true, ...deps });
  await app.ready();
  // It never listens itself, and would not keep the time of connections on which requests come too slowly.
  app.server.emit('listening');
  const open = new Set<Socket>();
  return {
    take(connection) {
      open.add(connection);
      connection.once('close', () => open.delete(connection));
      app.server.emit('connection', connection);
      connection.resume();
    },
    leave: () => app.drain(),
    async close() {
      // Closing at once would break requests that are on their way over kept connections; who is busy has come by
      // before the grace is over.
      app.drain();
      const begun = performance.now();
      while (open.size > 0) {
        await new Promise((resolve) => setTimeout(resolve, 10));
        const millis = performance.now() - begun;
        if (millis < IDLE_GRACE_MILLIS) continue;
        app.server.closeIdleConnections();
        const isLast = millis >= longestCloseMillis;
        for (const connection of open) if (isLast || connection.bytesRead === 0) connection.destroy();
      }
      await app.close();
    },
  };
}
