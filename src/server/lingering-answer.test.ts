import { once } from 'node:events';
import { connect } from 'node:net';
import { PassThrough } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, expect, test } from 'vitest';
import { type ServedApp, servedApp } from '../../test/support/served-app.ts';
import { lingeringAnswer } from './lingering-answer.ts';

let app: ReturnType<ServedApp['start']> | undefined;
afterEach(() => app?.close());

const PARTS = 80;
const PART_BYTES = 100_000;
const ANNOUNCED = `content-length: ${PARTS * PART_BYTES}`;

/** A server with room for one request. */
async function listening() {
  const limits = { requests: 1, bytes: 10_000_000 };
  app = servedApp().start({ limits: { reads: { ...limits, values: 1000 }, writes: limits } });
  const port = Number(new URL(await app.listen({ host: '127.0.0.1', port: 0 })).port);
  return { app, port };
}

/** As most clients do it, who look at the answer when all is sent: what they get, or why they could not send it. */
async function sendAll(port: number, head: string): Promise<string> {
  const client = connect(port, '127.0.0.1');
  // Told to who writes.
  client.on('error', () => {});
  const answer: Buffer[] = [];
  const isChunked = head.includes('chunked');
  try {
    client.write(`POST /get-online-features HTTP/1.1\r\nhost: a\r\n${head}\r\n\r\n`);
    for (let at = 0; at < PARTS; at++) {
      if (isChunked) client.write(`${PART_BYTES.toString(16)}\r\n`);
      const part = `${' '.repeat(PART_BYTES)}${isChunked ? '\r\n' : ''}`;
      await new Promise<void>((resolve, reject) => {
        client.write(part, (error) => (error ? reject(error) : resolve()));
      });
      await sleep(2);
    }
    if (isChunked) client.write('0\r\n\r\n');
    for await (const part of client) answer.push(part);
  } catch (error) {
    return String(error);
  }
  return Buffer.concat(answer).toString();
}

test('who is refused while the server closes, and still sends, gets the answer', async () => {
  const { app: server, port } = await listening();
  const begun = once(server.server, 'request');
  const other = connect(port, '127.0.0.1');
  other.write('POST /get-online-features HTTP/1.1\r\nhost: a\r\ncontent-length: 900\r\n\r\n{');
  await begun;
  server.drain();
  const answer = await sendAll(port, ANNOUNCED);
  other.destroy();
  expect(answer).toMatch(/^HTTP\/1.1 503 .*connection: close.*OVERLOADED/s);
});

test('who sends more than is read, without having said so, gets the answer', async () => {
  const { port } = await listening();
  expect(await sendAll(port, 'transfer-encoding: chunked')).toMatch(/^HTTP\/1.1 413 .*TOO_LARGE/s);
});

test('the answer goes out at once, and ends with the request', async () => {
  const request = new PassThrough();
  const answer = lingeringAnswer(request, 'refused');
  expect(String((await once(answer, 'data'))[0])).toBe('refused');
  request.write('more');
  await sleep(20);
  expect(answer.readableEnded).toBe(false);
  request.end();
  await once(answer, 'end');
});

test.each([
  ['sends nothing more', { longestMillis: 50 }, 0],
  ['sends without an end', { mostBytes: 1000 }, 100],
])('who %s does not hold it up', async (_, limits, bytes) => {
  const request = new PassThrough();
  const sending = setInterval(() => bytes > 0 && request.write('x'.repeat(bytes)), 1);
  const begun = performance.now();
  await lingeringAnswer(request, 'refused', limits).toArray();
  clearInterval(sending);
  expect(performance.now() - begun).toBeLessThan(2000);
});

test('who hangs up ends it', async () => {
  const request = new PassThrough();
  request.on('error', () => {});
  const answer = lingeringAnswer(request, 'refused');
  request.destroy(new Error('aborted'));
  expect(String(await answer.toArray())).toBe('refused');
});
