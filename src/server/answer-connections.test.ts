import { once } from 'node:events';
import { connect } from 'node:net';
import { expect, test } from 'vitest';
import { functions, NOW, servingSnapshot } from '../../test/support/serving-project.ts';
import { createMemoryOnlineStore } from '../online/memory/memory-online-store.ts';
import { answerConnections } from './answer-connections.ts';
import { openDoor } from './door.ts';

test('a client that has stopped in the middle of its request does not keep it from closing', async () => {
  const snapshot = servingSnapshot('stalled');
  const answering = await answerConnections(
    {
      registry: { current: () => snapshot, status: () => ({ readAt: NOW, error: null, revision: 1 }) },
      online: createMemoryOnlineStore(),
      functions,
      clock: () => NOW,
      processMetrics: false,
    },
    1200,
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
  const client = connect(Number(new URL(door.url).port), '127.0.0.1');
  client.write('POST /get-online-features HTTP/1.1\r\nhost: a\r\ncontent-length: 100\r\n\r\n{"features":');
  await taken.promise;
  const cutOff = once(client, 'close');
  client.on('error', () => {});
  client.resume();
  const begun = performance.now();
  await door.close();
  await answering.close();
  await cutOff;
  expect(performance.now() - begun).toBeGreaterThan(1000);
}, 10_000);
