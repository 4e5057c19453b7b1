import { isUtf8 } from 'node:buffer';
import { type FastifyInstance, type FastifyReply, type FastifyRequest, fastify } from 'fastify';
import { messageOf, problemsError, TidemarkError } from '../core/errors.ts';
import { type ExactJson, parseExactJson } from '../core/exact-json.ts';
import { repeatedName } from '../core/repeated-name.ts';
import { answerBrokenRequest, answerOddHeaders } from './answer-broken-requests.ts';
import type { AppDependencies } from './dependencies.ts';
import { type KnownRoute, misrouted } from './find-route.ts';
import { lingeringAnswer } from './lingering-answer.ts';
import { createMetrics } from './metrics.ts';
import { type HttpProblem, problemOf, unknownRoute } from './problem.ts';
import { featureServices } from './routes/feature-services.ts';
import { getOnlineFeatures } from './routes/get-online-features.ts';
import { health } from './routes/health.ts';
import { materialize } from './routes/materialize.ts';
import { metricsRoute } from './routes/metrics.ts';
import { push } from './routes/push.ts';
import { runs } from './routes/runs.ts';
import { writeToOnlineStore } from './routes/write-to-online-store.ts';
import { READ_LIMITS, shedLoad, WRITE_LIMITS } from './shed-load.ts';

declare module 'fastify' {
  interface FastifyInstance {
    /** From now on every answer ends its connection, and /health is 503. */
    drain(): void;
  }
}

/** Of a body that is refused for its size so much is read and thrown away; of one that is too much now, all. */
const DISCARDED_BYTES = 64 * 1024 * 1024;

/** The HTTP server without a network: `app.inject` in tests, `serve` for the rest. */
export function createApp(deps: AppDependencies): FastifyInstance {
  const { log, bodyLimitBytes = 1024 * 1024 } = deps;
  const app = fastify({
    bodyLimit: bodyLimitBytes,
    // What still comes on a kept connection is answered too, and told to connect elsewhere next time.
    return503OnClosing: false,
    // A path that is no text, or too long.
    frameworkErrors: (error, _request, reply) => void send(problemOf(error), reply),
    clientErrorHandler: answerBrokenRequest,
    // Refused with the others.
    http: { requireHostHeader: false },
  });
  answerOddHeaders(app);
  const metrics = createMetrics({ process: deps.processMetrics ?? false, shared: deps.isWorker ?? false });

  const { admit, weigh } = shedLoad(app, deps.limits ?? { reads: READ_LIMITS, writes: WRITE_LIMITS });

  // Whatever a client calls its body, it is JSON: curl and Feast's client do not say so. Only what is no media type at
  // all, as an empty Content-Type is, never gets here: that is 415.
  app.removeAllContentTypeParsers();
  app.addContentTypeParser('*', { parseAs: 'buffer' }, (request, body: Buffer, done) => {
    const turn = admit(request, body.length);
    if (turn === undefined) done(null, jsonOf(request, body));
    else turn.then(() => jsonOf(request, body)).then((json) => done(null, json), done);
  });

  app.setErrorHandler((thrown, request, reply) => {
    const problem = problemOf(thrown, request.routeOptions.bodyLimit);
    if (problem.unexpected) log?.error({ err: thrown, route: request.routeOptions.url }, 'a request failed');
    const isDiscarded =
      (problem.status === 413 && Number(request.headers['content-length']) <= DISCARDED_BYTES) ||
      problem.body.error.code === 'OVERLOADED';
    // Ended while it still sends, a client would see a broken connection in place of the answer; who has sent all can
    // go on with the connection.
    if (isDiscarded || request.raw.complete) void reply.removeHeader('connection');
    return send(problem, reply);
  });
  const routes: KnownRoute[] = [];
  app.addHook('onRoute', ({ method, url: pattern }) => {
    for (const each of [method].flat()) routes.push({ method: each, pattern });
  });
  app.setNotFoundHandler(({ method, url }, reply) => {
    const [path = ''] = url.split('?');
    const found = misrouted(path, routes);
    if (found.allowed.length > 0) void reply.header('allow', found.allowed.join(', '));
    return send(unknownRoute(method, path, found), reply);
  });
  // A connection that was kept alive by the last answers would hold up the end for minutes.
  let closing = false;
  app.decorate('drain', () => {
    closing = true;
  });
  app.addHook('preClose', async () => {
    closing = true;
  });
  app.addHook('onSend', async (request, reply, payload) => {
    if (closing) void reply.header('connection', 'close');
    const isLast = reply.getHeader('connection') === 'close';
    const isWhole = request.raw.complete || request.raw.readableEnded;
    if (!isLast || isWhole || typeof payload !== 'string') return payload;
    void reply.header('content-length', Buffer.byteLength(payload));
    return lingeringAnswer(request.raw, payload);
  });
  app.addHook('onResponse', async (request, reply) => {
    const route = request.routeOptions.url ?? 'unknown';
    metrics.request(route, request.method, reply.statusCode, reply.elapsedTime / 1000);
  });

  getOnlineFeatures(app, deps, { metrics, weigh });
  push(app, deps, metrics);
  writeToOnlineStore(app, deps, metrics);
  materialize(app, deps);
  runs(app, deps);
  featureServices(app, deps);
  health(app, deps, () => closing);
  metricsRoute(app, deps, metrics);
  return app;
}

/** REQUEST_INVALID, thrown, when it is none; 415 when it is compressed. */
function jsonOf({ headers }: FastifyRequest, body: Buffer): ExactJson {
  const encoding = headers['content-encoding'];
  if (encoding !== undefined && !/^(identity)?$/i.test(encoding)) throw encodedBody(encoding);
  const { text, json } = parsed(body, headers['content-type']);
  const repeated = repeatedName(text, json);
  if (repeated !== undefined) throw namedTwice(repeated);
  return json;
}

function parsed(body: Buffer, type: string | undefined): { readonly text: string; readonly json: ExactJson } {
  try {
    // Otherwise different wrong bytes would become the same key.
    if (!isUtf8(body)) throw new Error('its bytes are not UTF-8');
    // Some editors and shells begin a file with a mark of its byte order.
    const text = body.toString().replace(/^\ufeff/, '');
    return { text, json: parseExactJson(text) };
  } catch (error) {
    const why = error instanceof RangeError ? 'it is nested too deeply' : shorten(messageOf(error));
    throw new TidemarkError('REQUEST_INVALID', `Cannot read the request as JSON: ${why}.${otherType(type)}`);
  }
}

function send({ status, body }: HttpProblem, reply: FastifyReply): FastifyReply {
  return reply.code(status).send(body);
}

function encodedBody(encoding: string): Error {
  const told = `its Content-Encoding is "${encoding.slice(0, 40)}"; send JSON as it is, without one`;
  return Object.assign(new Error(told), { statusCode: 415 });
}

/** Whichever of the two was meant, the other would be lost. */
function namedTwice(path: readonly string[]): TidemarkError {
  const where = path.slice(0, 8).join('.').slice(0, 200);
  return problemsError('REQUEST_INVALID', 'Cannot read the request:', [
    { where, message: 'stands twice in one object; send it once' },
  ]);
}

/** V8 quotes the text it could not parse; a request's body may be somebody's data, and long. */
function shorten(message: string): string {
  return message.replace(/,? ?(?:\.\.\.)?".*$/s, '').slice(0, 120);
}

/** Why it is no JSON, when the client says so itself. */
function otherType(type: string | undefined): string {
  return type === undefined || /json|x-www-form-urlencoded/i.test(type)
    ? ''
    : ` It came as ${type.slice(0, 60)}: send JSON.`;
}
