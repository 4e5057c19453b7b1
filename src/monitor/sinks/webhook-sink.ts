import { TidemarkError } from '../../core/errors.ts';
import type { AlertEvent } from '../alert.ts';
import type { AlertSink } from './alert-sink.ts';
import { slackMessage } from './slack-message.ts';

const TIMEOUT_MILLIS = 5000;

/** Statuses that say: this body is read and refused. Anything else may be the receiver's trouble, and pass. */
const REFUSED = new Set([400, 413, 422]);

export interface WebhookOptions {
  /** A secret as a whole: whoever has it can post. Only its host is ever named. */
  readonly url: string;
  /** `slack` by itself when the host is hooks.slack.com. */
  readonly format?: 'json' | 'slack';
  readonly timeoutMillis?: number;
}

/** Posts each event as JSON; its id is the `Idempotency-Key` header too. CONFIG_INVALID for no HTTP address. */
export function createWebhookSink(options: WebhookOptions): AlertSink {
  const { address, host, authorization } = parsed(options.url);
  const format = options.format ?? (host.split(':')[0] === 'hooks.slack.com' ? 'slack' : 'json');
  const timeout = options.timeoutMillis ?? TIMEOUT_MILLIS;
  return {
    name: 'webhook',
    async send(event) {
      const status = await post(address, event.id, bodyOf(event, format), authorization, timeout).catch(
        (error: unknown) => {
          // Without the cause: its words and its own causes may hold the address.
          throw failure(host, reasonOf(error, timeout), true);
        },
      );
      if (status < 200 || status > 299) throw failure(host, `it answered ${status}`, !REFUSED.has(status));
    },
  };
}

function bodyOf(event: AlertEvent, format: 'json' | 'slack'): string {
  return JSON.stringify(format === 'slack' ? slackMessage(event) : event);
}

async function post(
  address: string,
  id: string,
  body: string,
  authorization: string | undefined,
  timeoutMillis: number,
): Promise<number> {
  const response = await fetch(address, {
    method: 'POST',
    headers: {
      'content-type': 'application/json; charset=utf-8',
      'user-agent': 'tidemark',
      'idempotency-key': id,
      ...(authorization !== undefined && { authorization }),
    },
    body,
    // A POST that is sent elsewhere becomes a GET, and its success would mean nothing.
    redirect: 'manual',
    signal: AbortSignal.timeout(timeoutMillis),
  });
  await response.body?.cancel();
  return response.status;
}

/** `fetch` refuses a user and password in the address; they become the header that they stand for. */
function parsed(text: string): { address: string; host: string; authorization: string | undefined } {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url === undefined || !['http:', 'https:'].includes(url.protocol)) {
    throw new TidemarkError(
      'CONFIG_INVALID',
      'Cannot use the alert webhook: its address does not start with http:// or https://. Check TIDEMARK_ALERT_WEBHOOK.',
    );
  }
  const { username, password } = url;
  url.username = '';
  url.password = '';
  const credentials = `${decoded(username)}:${decoded(password)}`;
  return {
    address: url.href,
    host: url.host,
    authorization:
      username === '' && password === '' ? undefined : `Basic ${Buffer.from(credentials).toString('base64')}`,
  };
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text; // A password with a bare percent sign.
  }
}

function failure(host: string, reason: string, retryable: boolean): TidemarkError {
  return new TidemarkError(
    retryable ? 'STORE_UNAVAILABLE' : 'REQUEST_INVALID',
    `Cannot send an alert to the webhook at ${host}: ${reason}.`,
  );
}

function reasonOf(error: unknown, timeoutMillis: number): string {
  if (error instanceof Error && error.name === 'TimeoutError') return `no answer in ${timeoutMillis} ms`;
  const cause = error instanceof Error ? error.cause : undefined;
  const code = cause instanceof Error && 'code' in cause ? cause.code : undefined;
  return typeof code === 'string' && /^[A-Z0-9_]+$/.test(code)
    ? `the connection failed (${code})`
    : 'the connection failed';
}
