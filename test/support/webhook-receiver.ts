import { createServer, type IncomingHttpHeaders } from 'node:http';
import type { AddressInfo } from 'node:net';
import { json } from 'node:stream/consumers';

export interface Received {
  readonly method: string | undefined;
  readonly path: string | undefined;
  readonly headers: IncomingHttpHeaders;
  readonly body: unknown;
}

/** A real HTTP server that takes alerts, or does not. */
export interface Receiver {
  readonly url: string;
  readonly received: readonly Received[];
  answerWith(status: number | 'nothing'): void;
  stop(): Promise<void>;
}

export async function startReceiver(port = 0): Promise<Receiver> {
  const received: Received[] = [];
  let answer: number | 'nothing' = 200;
  const server = createServer(async ({ method, url: path, headers }, response) => {
    received.push({ method, path, headers, body: await json(response.req) });
    if (answer === 'nothing') return;
    if (answer === 302) response.setHeader('location', '/elsewhere');
    response.writeHead(answer).end('a body that nobody reads');
  });
  await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve));
  const { port: listening } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${listening}`,
    received,
    answerWith(status) {
      answer = status;
    },
    async stop() {
      server.closeAllConnections();
      await new Promise<void>((resolve) => server.close(() => resolve()));
    },
  };
}
