import { type ErrorCode, messageOf, type Problem, TidemarkError } from '../core/errors.ts';
import type { Misrouted } from './find-route.ts';

/** What every failed request is answered with. */
export interface ProblemBody {
  readonly error: {
    readonly code: ErrorCode;
    readonly message: string;
    readonly problems?: readonly Problem[];
  };
}

export interface HttpProblem {
  readonly status: number;
  readonly body: ProblemBody;
  /** Nobody's mistake but ours: worth a log line. */
  readonly unexpected: boolean;
}

/**
 * Maps whatever was thrown; an unexpected error keeps its text to the log, a stack never leaves. `bodyLimit`: in
 * bytes, of the route that was asked.
 */
export function problemOf(thrown: unknown, bodyLimit?: number): HttpProblem {
  if (thrown instanceof TidemarkError) {
    const { code, message, problems, httpStatus } = thrown;
    return answer(httpStatus, code, message, problems);
  }
  const status = statusOf(thrown);
  if (status === 413) {
    const limit = bodyLimit === undefined ? 'the limit' : `${bodyLimit.toLocaleString('en-US')} bytes`;
    return answer(
      413,
      'TOO_LARGE',
      `Cannot read the request: its body is larger than ${limit}. Send its rows in several requests.`,
    );
  }
  if (codeOf(thrown) === 'FST_ERR_CTP_INVALID_MEDIA_TYPE')
    return answer(
      415,
      'REQUEST_INVALID',
      'Cannot read the request: its Content-Type is empty or no media type. Send JSON as application/json.',
    );
  if (status === 503) return answer(503, 'STORE_UNAVAILABLE', 'Cannot answer: the server is closing.');
  if (status !== undefined && status >= 400 && status < 500) {
    // Fastify ends some of its sentences, and others not.
    const why = messageOf(thrown).replace(/\.$/, '');
    return answer(status, 'REQUEST_INVALID', `Cannot read the request: ${why}.`);
  }
  return {
    ...answer(500, 'INTERNAL', 'Cannot answer: something failed inside the server; its log says what.'),
    unexpected: true,
  };
}

/** No route has a code of its own: the request names something that is not there. */
export function unknownRoute(method: string, path: string, { allowed, hint }: Misrouted): HttpProblem {
  const shown = path.length > 80 ? `${path.slice(0, 80)}…` : path;
  return allowed.length > 0
    ? answer(405, 'REQUEST_INVALID', `Cannot answer ${method} ${shown}: it takes ${allowed.join(' or ')}.`)
    : answer(404, 'REQUEST_INVALID', `Cannot find ${method} ${shown} on this server.${hint}`);
}

/** What Node could not read as a request. */
export function brokenRequest(error: NodeJS.ErrnoException & { readonly reason?: unknown }): HttpProblem {
  if (error.code === 'ERR_HTTP_REQUEST_TIMEOUT')
    return answer(408, 'REQUEST_INVALID', 'Cannot read the request: it came too slowly.');
  if (error.code === 'HPE_HEADER_OVERFLOW')
    return answer(431, 'TOO_LARGE', 'Cannot read the request: its headers are larger than 16 KiB.');
  const why = typeof error.reason === 'string' && error.reason !== '' ? `: ${error.reason}` : '';
  return answer(400, 'REQUEST_INVALID', `Cannot read the request as HTTP${why}.`);
}

function answer(
  status: number,
  code: ErrorCode,
  message: string,
  problems: readonly Problem[] = [],
): HttpProblem {
  const error = problems.length === 0 ? { code, message } : { code, message, problems };
  return { status, body: { error }, unexpected: false };
}

function statusOf(thrown: unknown): number | undefined {
  if (thrown === null || typeof thrown !== 'object' || !('statusCode' in thrown)) return undefined;
  return typeof thrown.statusCode === 'number' ? thrown.statusCode : undefined;
}

function codeOf(thrown: unknown): unknown {
  return thrown !== null && typeof thrown === 'object' && 'code' in thrown ? thrown.code : undefined;
}
