import { createServer, request } from 'node:http';
import type { AddressInfo } from 'node:net';

export interface RequestLog {
  /** `http://127.0.0.1:…` */
  readonly endpoint: string;
  close(): Promise<void>;
}

/** Passes requests on to `target` as they are, their signed `Host` too, and tells each: `GET /path?query`. */
export async function requestLog(target: string, tell: (asked: string) => void): Promise<RequestLog> {
  const { hostname, port } = new URL(target);
  const server = createServer((asked, answer) => {
    const { method, url: path, headers } = asked;
    tell(`${method} ${path}`);
    const passed = request({ hostname, port, method, path, headers }, (reply) => {
      answer.writeHead(reply.statusCode ?? 502, reply.headers);
      reply.pipe(answer);
    });
    passed.on('error', () => answer.destroy());
    asked.pipe(passed);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    endpoint: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    async close() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
