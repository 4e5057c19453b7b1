import type { Socket } from 'node:net';
import type { FastifyInstance } from 'fastify';
import { TidemarkError } from '../core/errors.ts';
import { brokenRequest, type HttpProblem, problemOf } from './problem.ts';

/** Of those statuses that a request gets which is no request yet. */
const REASONS: Readonly<Record<number, string>> = {
  400: 'Bad Request',
  408: 'Request Timeout',
  417: 'Expectation Failed',
  431: 'Request Header Fields Too Large',
};

/** For what is no HTTP, too slow or too long in its headers: Node reads none of it, and no hook or route sees it. */
export function answerBrokenRequest(error: NodeJS.ErrnoException, socket: Socket): void {
  if (error.code === 'ECONNRESET' || socket.destroyed) return;
  if (socket.writable) socket.write(rawAnswer(brokenRequest(error)));
  socket.destroy(error);
}

function rawAnswer({ status, body }: HttpProblem): string {
  const text = JSON.stringify(body);
  return [
    `HTTP/1.1 ${status} ${REASONS[status] ?? 'Bad Request'}`,
    'content-type: application/json; charset=utf-8',
    `content-length: ${Buffer.byteLength(text)}`,
    'connection: close',
    '',
    text,
  ].join('\r\n');
}

/** What Node would answer by itself, without a body: a request that names no host, or expects what is not done. */
export function answerOddHeaders(app: FastifyInstance): void {
  app.addHook('onRequest', (request, _reply, done) => {
    const { httpVersion, headers } = request.raw;
    if (httpVersion !== '1.1' || headers.host !== undefined) done();
    else done(new TidemarkError('REQUEST_INVALID', 'Cannot read the request: HTTP/1.1 needs a Host header.'));
  });
  app.server.on('checkExpectation', (_request, response) => {
    const told = new Error('of what may be expected, 100-continue alone is met');
    const { body } = problemOf(Object.assign(told, { statusCode: 417 }));
    response.writeHead(417, { 'content-type': 'application/json; charset=utf-8' }).end(JSON.stringify(body));
  });
}
