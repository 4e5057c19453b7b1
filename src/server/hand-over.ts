import type { Worker } from 'node:cluster';
import { Socket } from 'node:net';

/**
 * Gives connections to workers, one after the other. Node's own cluster would too, but keeps no account of them: a
 * connection that is on its way to a worker that dies then is open for ever, and nobody answers. Here the primary
 * holds each until its worker has said that it has it, and gives it to another when it cannot say so any more.
 */
export interface HandOver {
  /** Nothing of it has been read; it waits when no worker is free. */
  take(connection: Socket): void;
  /** From now on it is given connections, until it is gone. */
  add(worker: Worker): void;
  /** From now on it is given none. */
  remove(worker: Worker): void;
  /** Resolves when none is on its way or waiting; when the time is over, those that wait are turned away. */
  settled(millis: number): Promise<void>;
}

const CONNECTION = 'tidemark:connection';
const TAKEN = 'tidemark:taken';
/** While no worker is there; who comes after them is turned away. */
const MOST_WAITING = 10_000;

/** In the primary. */
export function createHandOver(): HandOver {
  const waiting: Socket[] = [];
  const members = new Set<Worker>();
  // One connection at a time: who is busy with other things takes its next one later.
  const free = new Set<Worker>();
  const onTheirWay = new Map<Worker, Socket>();

  const give = () => {
    for (const worker of free) {
      const connection = waiting.shift();
      if (connection === undefined) return;
      free.delete(worker);
      onTheirWay.set(worker, connection);
      // A failure is followed by the worker's end.
      worker.send(CONNECTION, connection, { keepOpen: true }, () => {});
    }
  };
  const lost = (worker: Worker) => {
    members.delete(worker);
    free.delete(worker);
    const connection = onTheirWay.get(worker);
    onTheirWay.delete(worker);
    if (connection === undefined) return;
    waiting.unshift(connection);
    give();
  };
  return {
    take(connection) {
      if (waiting.length >= MOST_WAITING) {
        connection.destroy();
        return;
      }
      waiting.push(connection);
      give();
    },
    add(worker) {
      members.add(worker);
      free.add(worker);
      worker.on('message', (message) => {
        if (message !== TAKEN) return;
        // Only this process's own hold on it: the connection lives on in the worker.
        onTheirWay.get(worker)?.destroy();
        onTheirWay.delete(worker);
        if (members.has(worker)) free.add(worker);
        give();
      });
      // Not at its `disconnect`: that does not come while a connection is on its way. What it has said before it ended
      // is read in the next turn.
      worker.once('exit', () => setImmediate(() => setImmediate(lost, worker)));
      give();
    },
    remove(worker) {
      members.delete(worker);
      free.delete(worker);
    },
    async settled(millis) {
      const end = performance.now() + millis;
      const isSettled = () => onTheirWay.size === 0 && waiting.length === 0;
      while (!isSettled() && performance.now() < end) {
        await new Promise((resolve) => setTimeout(resolve, 1));
      }
      for (const connection of waiting.splice(0)) connection.destroy();
    },
  };
}

/** In a worker: takes what the primary gives. */
export function takeConnections(take: (connection: Socket) => void): void {
  process.on('message', (message, connection) => {
    if (message !== CONNECTION) return;
    // Before anything is read: what has been read here cannot be answered by another.
    process.send?.(TAKEN, undefined, undefined, () => {});
    // Undefined when the client has gone meanwhile.
    if (!(connection instanceof Socket)) return;
    connection.setNoDelay(true);
    connection.allowHalfOpen = true;
    take(connection);
  });
}
