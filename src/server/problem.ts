import { type ErrorCode, messageOf, type Problem, TidemarkError } from '../core/errors.ts';

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

/** Maps whatever was thrown; an unexpected error keeps its text to the log, a stack never leaves. */
export function problemOf(thrown: unknown): HttpProblem {
  if (thrown instanceof TidemarkError) {
    const { code, message, problems, httpStatus } = thrown;
    return answer(httpStatus, code, message, problems);
  }
  const status = statusOf(thrown);
  if (status === 413)
    return answer(413, 'TOO_LARGE', 'Cannot read the request: its body is larger than the limit.');
  if (status === 503) return answer(503, 'STORE_UNAVAILABLE', 'Cannot answer: the server is closing.');
  if (status !== undefined && status >= 400 && status < 500) {
    return answer(status, 'REQUEST_INVALID', `Cannot read the request: ${messageOf(thrown)}.`);
  }
  return {
    ...answer(500, 'INTERNAL', 'Cannot answer: something failed inside the server; its log says what.'),
    unexpected: true,
  };
}

/** No route has a code of its own: the request names something that is not there. */
export function unknownRoute(method: string, path: string): HttpProblem {
  const shown = path.length > 80 ? `${path.slice(0, 80)}…` : path;
  return answer(404, 'REQUEST_INVALID', `Cannot find ${method} ${shown} on this server.`);
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
