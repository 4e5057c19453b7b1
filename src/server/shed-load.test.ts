import { connect, type Socket } from 'node:net';
import { afterEach, expect, test } from 'vitest';
import { post, type ServedApp, servedApp } from '../../test/support/served-app.ts';
import { httpLoadClient } from '../cli/http-load-client.ts';
import { measureLoad } from '../cli/measure-load.ts';

const request = { features: ['activity:sessions'], entities: { user_id: [1] } };
const largeRequest = { ...request, entities: { user_id: new Array(9_000).fill(1) } };
const limits = {
  reads: { requests: 2, bytes: 10_000, values: 100_000 },
  writes: { requests: 1, bytes: 10_000 },
};
let app: ReturnType<ServedApp['start']> | undefined;
afterEach(() => app?.close());

/** A server whose reads stand still until they are let go. */
function gated(reads = limits.reads): {
  readonly app: ReturnType<ServedApp['start']>;
  readonly open: () => void;
} {
  const { online, start } = servedApp();
  const gate = Promise.withResolvers<void>();
  const started = start({
    limits: { ...limits, reads },
    online: {
      ping: online.ping,
      read: async (requests) => {
        await gate.promise;
        return online.read(requests);
      },
    },
  });
  return { app: started, open: gate.resolve };
}

const inject = (payload: object) =>
  app?.inject({ method: 'POST', url: '/get-online-features', payload }) ?? Promise.reject();

test('beyond the limit a request is refused at once with a time to come back, and the rest goes on', async () => {
  const server = gated();
  app = server.app;
  const running = [inject(request), inject(request)];
  await new Promise((resolve) => setTimeout(resolve, 20));
  const refused = await inject(request);
  expect(refused.statusCode).toBe(503);
  expect(refused.headers['retry-after']).toBe('1');
  expect(refused.json().error).toMatchObject({ code: 'OVERLOADED' });
  expect((await app.inject('/health')).statusCode).toBe(200);
  expect((await app.inject('/metrics')).body).toContain(
    'tidemark_http_requests_total{route="/get-online-features",method="POST",status="503"} 1',
  );
  server.open();
  for (const one of running) expect((await one).statusCode).toBe(200);
  expect((await post(request, app)).status).toBe(200);
});

test('large requests are counted by their size, one alone is never too large, and one waits for its turn', async () => {
  const server = gated({ ...limits.reads, requests: 100 });
  app = server.app;
  const running = inject(largeRequest);
  await new Promise((resolve) => setTimeout(resolve, 20));
  const others = [inject(largeRequest), inject(largeRequest)];
  const refused = await Promise.race(others);
  expect([refused.statusCode, refused.headers['retry-after']]).toEqual([503, '1']);
  server.open();
  expect((await running).statusCode).toBe(200);
  expect((await Promise.all(others)).map(({ statusCode }) => statusCode).sort()).toEqual([200, 503]);
});

/** Connections on which a large body was announced, and does not come. */
async function announced(started: ReturnType<ServedApp['start']>, count: number): Promise<readonly Socket[]> {
  const { port } = new URL(await started.listen({ host: '127.0.0.1', port: 0 }));
  let begun = 0;
  started.server.on('request', () => {
    begun += 1;
  });
  const clients = Array.from({ length: count }, () => connect(Number(port), '127.0.0.1'));
  for (const client of clients)
    client.write(
      'POST /get-online-features HTTP/1.1\r\nhost: a\r\ncontent-length: 99000\r\n\r\n{"features":',
    );
  await expect.poll(() => begun).toBe(count);
  return clients;
}

test('who announces a large body and does not send it holds up nobody', async () => {
  const { start } = servedApp();
  app = start({ limits: { ...limits, reads: { requests: 100, bytes: 100_000, values: 100_000 } } });
  const clients = await announced(app, 1);
  expect((await inject(request)).statusCode).toBe(200);
  expect((await inject(largeRequest)).statusCode).toBe(200);
  for (const client of clients) client.destroy();
});

test('many who announce large bodies and do not send them hold up nobody', async () => {
  const { start } = servedApp();
  app = start({ limits: { ...limits, reads: { requests: 100, bytes: 100_000, values: 100_000 } } });
  const clients = await announced(app, 30);
  expect((await inject(largeRequest)).statusCode).toBe(200);
  expect((await inject(request)).statusCode).toBe(200);
  for (const client of clients) client.destroy();
});

test('of bodies that nobody announced no more is kept than eight times the limit, before they are whole', async () => {
  const { start } = servedApp();
  app = start({ limits: { ...limits, reads: { requests: 100, bytes: 20_000, values: 100_000 } } });
  const { port } = new URL(await app.listen({ host: '127.0.0.1', port: 0 }));
  const answers: string[] = [];
  const part = `8000\r\n${' '.repeat(0x8000)}\r\n`;
  const clients = Array.from({ length: 8 }, () => {
    const client = connect(Number(port), '127.0.0.1');
    client.on('data', (answer) => answers.push(answer.toString()));
    client.write(
      `POST /get-online-features HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n${part}`,
    );
    return client;
  });
  // 160,000 bytes are four of them.
  await expect.poll(() => answers.length).toBe(4);
  for (const answer of answers) expect(answer).toMatch(/^HTTP\/1.1 503 .*OVERLOADED/s);
  expect((await inject(request)).statusCode).toBe(200);
  // Who is refused may send the rest, and goes on with the connection.
  const next = JSON.stringify(request);
  for (const client of clients)
    client.write(
      `0\r\n\r\nPOST /get-online-features HTTP/1.1\r\nhost: a\r\ncontent-length: ${next.length}\r\n\r\n${next}`,
    );
  await expect.poll(() => answers.join().match(/HTTP\/1.1 200/g)?.length).toBe(8);
  for (const client of clients) client.destroy();
});

test.each([
  ['is larger than allowed', 'content-length: 9000000'],
  ['grows larger than allowed', 'transfer-encoding: chunked'],
  ['has no type', 'content-type:\r\ncontent-length: 900000'],
  ['has not come', 'content-length: 900000'],
])('who hangs up in the middle of a body that %s takes nobody along', async (_, head) => {
  const { start } = servedApp();
  app = start();
  const { port } = new URL(await app.listen({ host: '127.0.0.1', port: 0 }));
  const part = ' '.repeat(0x10000);
  for (let round = 0; round < 10; round += 1) {
    const client = connect(Number(port), '127.0.0.1');
    client.write(`POST /get-online-features HTTP/1.1\r\nhost: a\r\n${head}\r\n\r\n`);
    for (let at = 0; at < 10; at += 1)
      client.write(head.includes('chunked') ? `20000\r\n${part}${part}\r\n` : part);
    await new Promise((resolve) => setTimeout(resolve, 5 * round));
    client.resetAndDestroy();
  }
  expect((await inject(largeRequest)).statusCode).toBe(200);
});

test('a body that was not announced is counted when it has come', async () => {
  const server = gated({ requests: 100, bytes: 80_000, values: 100_000 });
  app = server.app;
  const url = `${await app.listen({ host: '127.0.0.1', port: 0 })}/get-online-features`;
  const large = { ...request, entities: { user_id: new Array(9_000).fill(1_000_001) } };
  const running = inject(large);
  await new Promise((resolve) => setTimeout(resolve, 20));
  const others = [1, 2].map(() => {
    const body = new Blob([JSON.stringify(largeRequest)]).stream();
    return fetch(url, { method: 'POST', body, duplex: 'half' });
  });
  const refused = await Promise.race(others);
  expect(refused.status).toBe(503);
  expect(refused.headers.get('retry-after')).toBe('1');
  expect(refused.headers.get('connection')).not.toBe('close');
  server.open();
  expect((await running).statusCode).toBe(200);
  expect((await Promise.all(others)).map(({ status }) => status).sort()).toEqual([200, 503]);
  expect((await inject(largeRequest)).statusCode).toBe(200);
});

test('reads are weighed by what they ask for, however small they are themselves', async () => {
  const server = gated({ requests: 100, bytes: 1_000_000, values: 10_000 });
  app = server.app;
  // Eleven features of 500 entities under 100 prefixes: 550,000 values.
  const aliases = Array.from({ length: 100 }, (_, at) => ({
    view: 'everything',
    prefix: `a${at}_`,
    keys: { user_id: 'user_id' },
  }));
  const many = { features: ['everything:*'], entities: { user_id: new Array(500).fill(1) } };
  const large = { ...many, entity_aliases: aliases };
  const running = inject(large);
  await new Promise((resolve) => setTimeout(resolve, 20));
  const others = [inject(many), inject(many)];
  const refused = await Promise.race(others);
  expect(refused.statusCode).toBe(503);
  expect(refused.headers['retry-after']).toBe('1');
  expect(refused.json().error).toMatchObject({ code: 'OVERLOADED' });
  const small = inject(request);
  server.open();
  expect((await running).statusCode).toBe(200);
  expect((await Promise.all(others)).map(({ statusCode }) => statusCode).sort()).toEqual([200, 503]);
  expect((await small).statusCode).toBe(200);
  expect((await post(many, app)).status).toBe(200);
});

test('under a flood no more than the limit is under way, the rest is refused, and then all is as before', async () => {
  const { online, start } = servedApp();
  let open = 0;
  let most = 0;
  app = start({
    limits: { ...limits, reads: { requests: 8, bytes: 1_000_000, values: 1_000_000 } },
    online: {
      ping: online.ping,
      // As far away as a store is.
      read: async (requests) => {
        open += 1;
        most = Math.max(most, open);
        await new Promise((resolve) => setTimeout(resolve, 2));
        open -= 1;
        return online.read(requests);
      },
    },
  });
  await app.listen({ host: '127.0.0.1', port: 0 });
  const address = app.server.address();
  const port = typeof address === 'object' ? address?.port : 0;
  const url = new URL(`http://127.0.0.1:${port}/get-online-features`);
  const body = JSON.stringify({
    ...request,
    entities: { user_id: Array.from({ length: 500 }, (_, i) => i) },
  });
  const flood = { clients: 100, warmUpSeconds: 0, seconds: 1, open: () => httpLoadClient(url, [body]) };
  const figures = await measureLoad(flood);
  expect(figures.latencies.length).toBeGreaterThan(0);
  expect(figures.errors).toBeGreaterThan(0);
  expect(most).toBe(8);
  const calm = await measureLoad({ ...flood, clients: 1, seconds: 0.1 });
  expect(calm.errors).toBe(0);
});
