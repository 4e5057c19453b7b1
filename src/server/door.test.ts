import { once } from 'node:events';
import { connect, Server } from 'node:net';
import { expect, test, vi } from 'vitest';
import { openDoor } from './door.ts';

test('who cannot be let in is told each time, and the next is let in', async () => {
  const listen = vi.spyOn(Server.prototype, 'listen');
  const errors: string[] = [];
  const door = await openDoor({
    host: '127.0.0.1',
    port: 0,
    take: (connection) => connection.end('welcome'),
    onError: (error) => errors.push(error.message),
  });
  const server = listen.mock.contexts.at(-1) as Server;
  listen.mockRestore();
  // What Node says when the system has no file descriptor left for a connection.
  server.emit('error', new Error('accept EMFILE'));
  server.emit('error', new Error('accept EMFILE'));
  expect(errors).toEqual(['accept EMFILE', 'accept EMFILE']);
  const [greeting] = await once(connect(Number(new URL(door.url).port), '127.0.0.1'), 'data');
  expect(String(greeting)).toBe('welcome');
  await door.close();
});

test('who has come before it closes is let in, also where the process has been busy since', async () => {
  let taken = 0;
  const door = await openDoor({
    host: '127.0.0.1',
    port: 0,
    take: (connection) => {
      taken += 1;
      connection.end('welcome');
    },
    onError: () => {},
  });
  const clients = Array.from({ length: 5 }, () => connect(Number(new URL(door.url).port), '127.0.0.1'));
  const greetings = Promise.all(clients.map(async (client) => String((await once(client, 'data'))[0])));
  // The system has connected them after this; the process hears of it in a later turn.
  await new Promise<void>((resolve) => process.nextTick(resolve));
  const closing = door.close();
  const busyUntil = performance.now() + 700;
  while (performance.now() < busyUntil);
  expect(await greetings).toEqual(new Array(5).fill('welcome'));
  expect(taken).toBe(5);
  await closing;
});
