import { connect as connectPlain, type Socket } from 'node:net';
import { connect as connectSecure } from 'node:tls';
import { TidemarkError } from '../core/errors.ts';
import type { LoadClient } from './measure-load.ts';

const HEAD_END = Buffer.from('\r\n\r\n');

/**
 * One kept connection that posts prepared bodies, in turns. It looks at no more of an answer than its status and its
 * length, so that the client takes as little of the machine as it can: it often shares it with the server.
 */
export async function httpLoadClient(url: URL, bodies: readonly string[]): Promise<LoadClient> {
  const requests = bodies.map((body) => requestBytes(url, body));
  let socket = await open(url);
  return {
    async ask(n) {
      const request = requests[n % requests.length];
      if (request === undefined) return false;
      try {
        // A server that sheds load or drains may have closed it.
        if (socket.destroyed) socket = await open(url);
        return (await exchange(socket, request)) === 200;
      } catch {
        socket.destroy();
        // A server that is gone is not asked a million times a second.
        await new Promise((resolve) => setTimeout(resolve, 10));
        return false;
      }
    },
    async close() {
      socket.destroy();
    },
  };
}

function requestBytes({ host, pathname, search, username, password }: URL, body: string): Buffer {
  const credentials = `${decodeURIComponent(username)}:${decodeURIComponent(password)}`;
  const head = [
    `POST ${pathname}${search} HTTP/1.1`,
    `host: ${host}`,
    'content-type: application/json',
    `content-length: ${Buffer.byteLength(body)}`,
    ...(username === '' ? [] : [`authorization: Basic ${Buffer.from(credentials).toString('base64')}`]),
  ];
  return Buffer.from(`${head.join('\r\n')}\r\n\r\n${body}`);
}

function open({ protocol, hostname, port }: URL): Promise<Socket> {
  const host = hostname.replace(/^\[(.*)\]$/, '$1');
  const secure = protocol === 'https:';
  const address = { host, port: Number(port || (secure ? 443 : 80)) };
  return new Promise((resolve, reject) => {
    const socket = secure ? connectSecure({ ...address, servername: host }) : connectPlain(address);
    socket.setNoDelay(true);
    socket.once('error', (error) =>
      reject(
        new TidemarkError('STORE_UNAVAILABLE', `Cannot reach ${hostname}:${address.port}: ${error.message}.`),
      ),
    );
    socket.once(secure ? 'secureConnect' : 'connect', () => {
      socket.removeAllListeners('error');
      socket.on('error', () => {});
      resolve(socket);
    });
  });
}

/** The status of the answer, once its last byte is there. */
function exchange(socket: Socket, request: Buffer): Promise<number> {
  return new Promise((resolve, reject) => {
    let head: Buffer = Buffer.alloc(0);
    let status = 0;
    let missing = -1;
    const finish = (end: () => void) => {
      socket.off('data', hear);
      socket.off('close', lose);
      end();
    };
    const lose = () => finish(() => reject(new Error('the connection was closed')));
    const hear = (chunk: Buffer) => {
      if (missing === -1) {
        head = head.length === 0 ? chunk : Buffer.concat([head, chunk]);
        const end = head.indexOf(HEAD_END);
        if (end === -1) return;
        const text = head.toString('latin1', 0, end);
        status = Number(text.slice(9, 12));
        const length = /\r\ncontent-length: *(\d+)/i.exec(text)?.[1];
        if (length === undefined) {
          finish(() => reject(new Error('the answer does not tell its length')));
          return;
        }
        missing = end + HEAD_END.length + Number(length) - head.length;
        if (/\r\nconnection: *close/i.test(text)) socket.end();
      } else missing -= chunk.length;
      if (missing <= 0) finish(() => resolve(status));
    };
    socket.on('data', hear);
    socket.on('close', lose);
    socket.write(request);
  });
}
