/**
 * The closed set of errors. A code says whether to retry, the HTTP status and the CLI's exit code.
 * Errors are data inside and thrown at the edge; the sentence says what happened, to what, and what to do:
 * `Cannot read view "x" at version 3: the registry has versions 1 and 2.`
 */
const CODES = {
  DEFINITION_INVALID: { status: 422, retryable: false },
  PLAN_DRIFTED: { status: 409, retryable: false },
  BREAKING_CHANGE: { status: 422, retryable: false },
  APPLY_CONFLICT: { status: 409, retryable: true },
  UNKNOWN_PROJECT: { status: 404, retryable: false },
  UNKNOWN_VIEW: { status: 404, retryable: false },
  UNKNOWN_FEATURE: { status: 404, retryable: false },
  UNKNOWN_ENTITY: { status: 404, retryable: false },
  UNKNOWN_SOURCE: { status: 404, retryable: false },
  UNKNOWN_RUN: { status: 404, retryable: false },
  SOURCE_UNREADABLE: { status: 422, retryable: true },
  SOURCE_SCHEMA_MISMATCH: { status: 422, retryable: false },
  QUERY_INVALID: { status: 422, retryable: false },
  SPINE_INVALID: { status: 422, retryable: false },
  QUALITY_HELD: { status: 409, retryable: false },
  LEASE_LOST: { status: 409, retryable: true },
  STORE_UNAVAILABLE: { status: 503, retryable: true },
  STORE_CORRUPT: { status: 500, retryable: false },
  OVERLOADED: { status: 503, retryable: true },
  STACK_UNAVAILABLE: { status: 503, retryable: false },
  CONFIG_INVALID: { status: 500, retryable: false },
  REQUEST_INVALID: { status: 400, retryable: false },
  UNAUTHENTICATED: { status: 401, retryable: false },
  FORBIDDEN: { status: 403, retryable: false },
  TOO_LARGE: { status: 413, retryable: false },
  CANCELLED: { status: 499, retryable: false },
  INTERNAL: { status: 500, retryable: false },
} as const;

export type ErrorCode = keyof typeof CODES;

/** One problem among several, placed: where it stands (file, object, field), what was found, what is allowed. */
export interface Problem {
  readonly where: string;
  readonly message: string;
}

export class TidemarkError extends Error {
  override readonly name = 'TidemarkError';
  readonly code: ErrorCode;
  /** Every problem found, not the first: definitions and requests are checked as a whole. */
  readonly problems: readonly Problem[];
  /** Whether waiting heals nothing, although its code says that it may: a file that is no Parquet stays one. */
  readonly lasting: boolean;

  constructor(
    code: ErrorCode,
    message: string,
    options: { cause?: unknown; problems?: readonly Problem[]; lasting?: boolean } = {},
  ) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.code = code;
    this.problems = options.problems ?? [];
    this.lasting = options.lasting ?? false;
  }

  get httpStatus(): number {
    return CODES[this.code].status;
  }

  get retryable(): boolean {
    return CODES[this.code].retryable && !this.lasting;
  }
}

/** Carries several problems in one error: one line each, under a headline. */
export function problemsError(
  code: ErrorCode,
  headline: string,
  problems: readonly Problem[],
): TidemarkError {
  const lines = problems.map(({ where, message }) => `  ${where}: ${message}`);
  return new TidemarkError(code, [headline, ...lines].join('\n'), { problems });
}

export function isErrorCode(text: unknown): text is ErrorCode {
  return typeof text === 'string' && Object.hasOwn(CODES, text);
}

export function isRetryable(code: ErrorCode): boolean {
  return CODES[code].retryable;
}

/** The sentence of any thrown value; a user's mistake never shows a stack. */
export function messageOf(thrown: unknown): string {
  if (!(thrown instanceof Error)) return String(thrown);
  // Node tells of several addresses of a host that all refuse a connection in an error without a text.
  if (thrown.message === '' && thrown instanceof AggregateError && thrown.errors.length > 0)
    return messageOf(thrown.errors[0]);
  return thrown.message;
}
