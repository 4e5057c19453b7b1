import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, test } from 'vitest';
import {
  everything,
  functions,
  NOW,
  putOnline,
  servingSnapshot,
} from '../../test/support/serving-project.ts';
import { createMemoryOnlineStore } from '../online/memory/memory-online-store.ts';
import { answerConnections, type Patience } from './answer-connections.ts';
import { openDoor } from './door.ts';

const PROJECT = 'connections';
const snapshot = servingSnapshot(PROJECT);
const online = createMemoryOnlineStore();

/** A server whose door is closed before its connections; `taken` resolves when one has come in. */
async function server(patience?: Patience) {
  const answering = await answerConnections(
    {
      registry: { current: () => snapshot, status: () => ({ readAt: NOW, error: null, revision: 1 }) },
      // As far away as a store is: the end of what a client sends is seen before its answer is there.
      online: { ping: online.ping, read: (requests) => sleep(20).then(() => online.read(requests)) },
      functions,
      clock: () => NOW,
      processMetrics: false,
    },
    patience,
  );
  const taken = Promise.withResolvers<void>();
  const door = await openDoor({
    host: '127.0.0.1',
    port: 0,
    take: (connection) => {
      answering.take(connection);
      taken.resolve();
    },
    onError: taken.reject,
  });
  return { answering, door, taken: taken.promise, port: Number(new URL(door.url).port) };
}

function read(features: string, ids: readonly number[]): string {
  const body = JSON.stringify({ features: [features], entities: { user_id: ids } });
  return `POST /get-online-features HTTP/1.1\r\nhost: a\r\ncontent-length: ${body.length}\r\n\r\n${body}`;
}

/** What comes until the other side ends. */
async function whole(client: Socket): Promise<{ readonly promised: number; readonly body: Buffer }> {
  const bytes = Buffer.concat(await client.toArray());
  const at = bytes.indexOf('\r\n\r\n');
  const [, length] = /content-length: (\d+)/.exec(bytes.subarray(0, at).toString()) ?? [];
  return { promised: Number(length), body: bytes.subarray(at + 4) };
}

test('a client that has stopped in the middle of its request does not keep it from closing', async () => {
  const { answering, door, taken, port } = await server({ longestCloseMillis: 1200 });
  const client = connect(port, '127.0.0.1');
  client.write('POST /get-online-features HTTP/1.1\r\nhost: a\r\ncontent-length: 100\r\n\r\n{"features":');
  await taken;
  const cutOff = once(client, 'close');
  client.on('error', () => {});
  client.resume();
  const begun = performance.now();
  await door.close();
  await answering.close();
  await cutOff;
  expect(performance.now() - begun).toBeGreaterThan(1000);
}, 10_000);

test('a client that says that it sends no more gets its answer all the same', async () => {
  const { answering, door, port } = await server();
  const client = connect({ port, host: '127.0.0.1', allowHalfOpen: true });
  client.end(read('activity:sessions', [1]));
  const { promised, body } = await whole(client);
  expect(promised).toBeGreaterThan(0);
  expect(JSON.parse(body.toString()).results[1].statuses).toEqual(['NOT_FOUND']);
  client.destroy();
  await door.close();
  await answering.close();
});

test('who reads slowly gets the whole answer, though it closes meanwhile', async () => {
  const text = 'x'.repeat(4000);
  const values = everything.features.map(({ name }) => (name === 'text' ? text : null));
  await putOnline(online, PROJECT, everything, [{ key: [1n], values }]);
  const { answering, door, port } = await server();
  const client = connect(port, '127.0.0.1');
  client.write(read('everything:text', new Array<number>(5000).fill(1)));
  // The first bytes have come: the answer is written, and the system holds no more of it.
  await once(client, 'readable');
  await door.close();
  const closing = answering.close();
  await sleep(1500);
  const { promised, body } = await whole(client);
  expect(promised).toBeGreaterThan(20_000_000);
  expect(body).toHaveLength(promised);
  await closing;
});

test('a client that reads nothing of its answer, or sends nothing of its request or the rest, is cut off', async () => {
  const { answering, door, port } = await server({ stalledMillis: 300 });
  const values = everything.features.map(({ name }) => (name === 'text' ? 'x'.repeat(4000) : null));
  await putOnline(online, PROJECT, everything, [{ key: [1n], values }]);
  const reader = connect(port, '127.0.0.1');
  reader.write(read('everything:text', new Array<number>(5000).fill(1)));
  await once(reader, 'readable');
  const sender = connect(port, '127.0.0.1');
  sender.write('POST /get-online-features HTTP/1.1\r\nhost: a\r\ncontent-length: 100\r\n\r\n{"features":');
  const silent = connect(port, '127.0.0.1');
  const begun = performance.now();
  await Promise.all([once(sender.resume(), 'close'), once(silent.resume(), 'close')]);
  expect(performance.now() - begun).toBeGreaterThan(250);
  await sleep(1200);
  const isWhole = await whole(reader).then(
    ({ promised, body }) => body.length === promised,
    () => false,
  );
  expect(isWhole).toBe(false);
  await door.close();
  await answering.close();
}, 10_000);

test('what has come while it was busy itself is answered, however long that took', async () => {
  const { answering, door, taken, port } = await server();
  const client = connect(port, '127.0.0.1');
  await taken;
  await door.close();
  // The system has the request, and nobody here has looked when the grace is over.
  client.write(read('activity:sessions', [1]));
  const closing = answering.close();
  const busyUntil = performance.now() + 1300;
  while (performance.now() < busyUntil);
  const { promised, body } = await whole(client);
  expect(promised).toBeGreaterThan(0);
  expect(body).toHaveLength(promised);
  await closing;
});

test('who has sent the rest of a body that was refused, and keeps the connection, does not keep it from closing', async () => {
  const { answering, door, port } = await server();
  const client = connect(port, '127.0.0.1');
  client.write('POST /get-online-features HTTP/1.1\r\nhost: a\r\ncontent-length: 2000000\r\n\r\n{');
  const [answer] = await once(client, 'data');
  expect(String(answer)).toContain('413 Payload Too Large');
  await new Promise((resolve) => client.write(' '.repeat(1_999_999), resolve));
  await sleep(200);
  const begun = performance.now();
  await door.close();
  await answering.close();
  expect(performance.now() - begun).toBeLessThan(10_000);
});
