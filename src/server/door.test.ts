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
