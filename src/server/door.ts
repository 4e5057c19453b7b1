import { createServer, type Socket } from 'node:net';
import { messageOf, TidemarkError } from '../core/errors.ts';
import { freeTime } from './free-time.ts';

export interface DoorOptions {
  readonly host: string;
  /** 0 for any free one. */
  readonly port: number;
  /** Given every connection, in the order of their coming; nothing has been read from it. */
  readonly take: (connection: Socket) => void;
  /** Told that somebody could not be let in (no file descriptor is free); the door stays open. */
  readonly onError: (error: Error) => void;
}

/** Where connections come in; what is said on them is somebody else's matter. */
export interface Door {
  /** `http://127.0.0.1:6567` */
  readonly url: string;
  /** Lets nobody in any more. Who has come before is taken, also when that was in the last moment. */
  close(): Promise<void>;
}

/** Lets connections in until closed. CONFIG_INVALID when the address cannot be used (taken, not ours). */
export async function openDoor({ host, port, take, onError }: DoorOptions): Promise<Door> {
  const held: Socket[] = [];
  let came = 0;
  let holding = false;
  const server = createServer({ pauseOnConnect: true, noDelay: true, allowHalfOpen: true }, (connection) => {
    came += 1;
    if (holding) held.push(connection);
    else take(connection);
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject).listen({ host, port }, () => {
      server.off('error', reject).on('error', onError);
      resolve();
    });
  }).catch((error: unknown) => {
    throw new TidemarkError(
      'CONFIG_INVALID',
      `Cannot serve on ${host}:${port}: ${messageOf(error)}. Set TIDEMARK_HOST and TIDEMARK_PORT to a free address.`,
      { cause: error },
    );
  });
  const address = server.address();
  const taken = address !== null && typeof address === 'object' ? address.port : port;
  return {
    url: `http://${host.includes(':') ? `[${host}]` : host}:${taken}`,
    async close() {
      // Connections that the system has let in and this process has not would be reset with the listening socket.
      // Those who wait for an answer open no others: held for a moment, they make the quiet in which it is closed.
      holding = true;
      await quiet(() => came);
      server.close();
      holding = false;
      for (const connection of held.splice(0)) take(connection);
    },
  };
}

/** Longer than most answers take: who gets one comes again. */
const QUIET_MILLIS = 25;
const LONGEST_HOLD_MILLIS = 250;

/**
 * Resolves when nobody has come for a moment, right after the event loop has looked. Where they keep coming, whatever
 * is held, it resolves right after one has come: the next is then as far away as it can be.
 */
async function quiet(came: () => number): Promise<void> {
  // While this process is busy nobody is let in: those who have come then wait in the system.
  const free = freeTime();
  while (free() < LONGEST_HOLD_MILLIS) {
    const before = came();
    await new Promise((resolve) => setTimeout(resolve, QUIET_MILLIS));
    await turn();
    if (came() === before) return;
  }
  for (let before = came(), isNew = false; free() < 2 * LONGEST_HOLD_MILLIS; before = came()) {
    await turn();
    if (isNew && came() === before) return;
    isNew = came() !== before;
  }
}

const turn = () => new Promise<void>((resolve) => setImmediate(resolve));
