import { once } from 'node:events';
import { connect } from 'node:net';
import { expect, test, vi } from 'vitest';
import { functions, NOW, servingSnapshot } from '../../test/support/serving-project.ts';
import { createMemoryOnlineStore } from '../online/memory/memory-online-store.ts';
import type { AppDependencies } from './dependencies.ts';
import { serve } from './serve.ts';

const online = createMemoryOnlineStore();
const snapshot = servingSnapshot('served');
const deps: AppDependencies = {
  registry: { current: () => snapshot, status: () => ({ readAt: NOW, error: null, revision: 1 }) },
  online,
  functions,
  clock: () => NOW,
  processMetrics: false,
};
const address = { host: '127.0.0.1', port: 0 };

test('closing waits for a request that runs, and takes no new ones', async () => {
  const gate = Promise.withResolvers<void>();
  const reading = Promise.withResolvers<void>();
  const server = await serve({
    ...deps,
    ...address,
    online: {
      ping: online.ping,
      read: async (requests) => {
        reading.resolve();
        await gate.promise;
        return online.read(requests);
      },
    },
  });
  const read = fetch(`${server.url}/get-online-features`, {
    method: 'POST',
    body: JSON.stringify({ features: ['activity:sessions'], entities: { user_id: [1] } }),
  });
  await reading.promise;
  let closed = false;
  const closing = server.close().then(() => {
    closed = true;
  });
  await vi.waitFor(() => expect(fetch(`${server.url}/health`)).rejects.toThrow(), { timeout: 30_000 });
  expect(closed).toBe(false);
  gate.resolve();
  expect((await read).status).toBe(200);
  await closing;
});

test('who has connected before it closes is answered, also when nobody has looked yet', async () => {
  const server = await serve({ ...deps, ...address });
  const { port } = new URL(server.url);
  const sockets = Array.from({ length: 20 }, () => connect(Number(port), '127.0.0.1'));
  // The system has connected them after this; the server hears of it in a later turn.
  await new Promise<void>((resolve) => process.nextTick(resolve));
  const closing = server.close();
  const answers = sockets.map(async (socket) => {
    socket.write('GET /feature-services/nobody HTTP/1.1\r\nhost: a\r\n\r\n');
    const [answer] = await once(socket, 'data');
    return String(answer).split('\r\n')[0];
  });
  expect(new Set(await Promise.all(answers))).toEqual(new Set(['HTTP/1.1 404 Not Found']));
  await closing;
});

test('an address that is taken is one clear error', async () => {
  const first = await serve({ ...deps, ...address });
  const { port } = new URL(first.url);
  await expect(serve({ ...deps, host: '127.0.0.1', port: Number(port) })).rejects.toMatchObject({
    code: 'CONFIG_INVALID',
    message: expect.stringContaining(`127.0.0.1:${port}`),
  });
  await first.close();
});
