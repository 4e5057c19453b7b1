import { messageOf, TidemarkError } from '../../core/errors.ts';

const NETWORK = new Set([
  'ECONNREFUSED',
  'ECONNRESET',
  'ECONNABORTED',
  'EPIPE',
  'ETIMEDOUT',
  'ENOTFOUND',
  'EAI_AGAIN',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'ENOENT',
]);

/** What the driver says, in words only, when a connection ends or cannot be had in time. */
const CONNECTION_WORDS =
  /^(connection terminated|client has encountered a connection error|client was closed|timeout expired|timeout exceeded when trying to connect|cannot use a pool after calling end|the server does not support ssl)/i;

/** SQLSTATEs of a server that cannot serve us now: shutting down, starting, full, or not letting us in. */
const UNREACHABLE_STATES = /^(08...|57P0[1-5]|53...|28...|3D000)$/;

/**
 * The Tidemark error of a thrown driver error; anything else is returned as it is. `place` is `host:port`.
 * The server's own sentence is kept: it names users and databases, never passwords.
 */
export function postgresError(error: unknown, place: string): unknown {
  if (error instanceof TidemarkError || !(error instanceof Error)) return error;
  const code = codeOf(error);
  const detail = detailOf(error);
  if (NETWORK.has(code) || UNREACHABLE_STATES.test(code) || CONNECTION_WORDS.test(detail)) {
    return unavailable(`Cannot reach the registry (Postgres at ${place}): ${sentence(detail)}`, error);
  }
  switch (code) {
    case '57014':
      return unavailable(
        `Cannot read or write the registry (Postgres at ${place}): the statement took too long and was given up.`,
        error,
      );
    case '40001':
    case '40P01':
    case '55P03':
      return unavailable(
        `Cannot write the registry (Postgres at ${place}): others were writing the same rows; repeat it.`,
        error,
      );
    case '42P01':
    case '3F000':
      return unavailable(
        `Cannot read the registry (Postgres at ${place}): its tables have not been made, or belong to an older Tidemark (${detail}).`,
        error,
      );
    default:
      return error;
  }
}

function unavailable(message: string, cause: Error): TidemarkError {
  return new TidemarkError('STORE_UNAVAILABLE', message, { cause });
}

function codeOf(error: Error): string {
  return 'code' in error && typeof error.code === 'string' ? error.code : '';
}

function detailOf(error: Error): string {
  return messageOf(error) || codeOf(error);
}

function sentence(text: string): string {
  return text.endsWith('.') ? text : `${text}.`;
}
