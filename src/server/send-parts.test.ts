import { once } from 'node:events';
import { connect } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { fastify } from 'fastify';
import { expect, test } from 'vitest';
import { sendParts } from './send-parts.ts';

test('no more parts are made when nobody waits for them any more', async () => {
  const app = fastify();
  let made = 0;
  function* endless(): Generator<Buffer, Buffer, undefined> {
    for (;;) {
      made += 1;
      yield Buffer.from('part');
    }
  }
  app.get('/', (_request, reply) => sendParts(reply, Buffer.from('first'), endless()));
  const { port } = new URL(await app.listen({ host: '127.0.0.1', port: 0 }));
  const client = connect(Number(port), '127.0.0.1');
  client.write('GET / HTTP/1.1\r\nhost: a\r\n\r\n');
  await expect.poll(() => made).toBeGreaterThan(10);
  client.destroy();
  await once(client, 'close');
  await sleep(100);
  const before = made;
  await sleep(50);
  expect(made).toBe(before);
  await app.close();
});
