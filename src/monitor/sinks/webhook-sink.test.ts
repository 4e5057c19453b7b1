import { afterEach, expect, test } from 'vitest';
import { type Receiver, startReceiver } from '../../../test/support/webhook-receiver.ts';
import { TidemarkError } from '../../core/errors.ts';
import type { AlertEvent } from '../alert.ts';
import { createLogSink } from './log-sink.ts';
import { slackMessage } from './slack-message.ts';
import { createWebhookSink } from './webhook-sink.ts';

const event: AlertEvent = {
  id: '6f0c5a2e-0001',
  identity: 'failed/shop/activity@v1',
  state: 'opened',
  project: 'shop',
  view: 'activity',
  version: 1,
  severity: 'critical',
  summary: 'activity@v1 has 1 interval failed: <script> & more\n  second line',
  openedAt: '2026-01-01T01:00:00Z',
  resolvedAt: null,
  details: { intervals: 1 },
};

const SECRET = 'hunter2';
const receivers: Receiver[] = [];

async function receiver(): Promise<Receiver> {
  const started = await startReceiver();
  receivers.push(started);
  return started;
}

afterEach(async () => {
  await Promise.all(receivers.splice(0).map((one) => one.stop()));
});

async function failureOf(sending: Promise<void>): Promise<TidemarkError> {
  const error = await sending.then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  if (!(error instanceof TidemarkError)) throw new Error(`Expected a TidemarkError, not ${String(error)}.`);
  return error;
}

test('an event is posted as JSON, field for field, under its id', async () => {
  const { url, received } = await receiver();
  await createWebhookSink({ url: `${url}/hook/${SECRET}?key=${SECRET}` }).send(event);
  expect(received).toEqual([
    {
      method: 'POST',
      path: `/hook/${SECRET}?key=${SECRET}`,
      headers: expect.objectContaining({
        'content-type': 'application/json; charset=utf-8',
        'idempotency-key': event.id,
      }),
      body: event,
    },
  ]);
});

test('a user and password in the address become the Authorization header', async () => {
  const { url, received } = await receiver();
  await createWebhookSink({ url: url.replace('://', `://robot:${SECRET}%40%21@`) }).send(event);
  expect(received[0]?.headers.authorization).toBe(
    `Basic ${Buffer.from(`robot:${SECRET}@!`).toString('base64')}`,
  );
});

test('the Slack format is one text in which nothing is a link or a mention', async () => {
  const { url, received } = await receiver();
  await createWebhookSink({ url, format: 'slack' }).send(event);
  expect(received[0]?.body).toEqual({
    text: [
      '*Opened* (critical): activity@v1 has 1 interval failed: &lt;script&gt; &amp; more',
      '  second line',
      'shop, activity@v1, since 2026-01-01T01:00:00Z',
    ].join('\n'),
  });
  expect(slackMessage({ ...event, state: 'resolved', resolvedAt: '2026-01-01T02:00:00Z' }).text).toMatch(
    /^\*Resolved\*.* from 2026-01-01T01:00:00Z to 2026-01-01T02:00:00Z$/s,
  );
});

test.each([
  [500, true],
  [503, true],
  [429, true],
  [404, true],
  [302, true],
  [400, false],
  [413, false],
  [422, false],
])('status %i is a failure, and may pass: %s', async (status, retryable) => {
  const { url, answerWith } = await receiver();
  answerWith(status);
  const error = await failureOf(createWebhookSink({ url: `${url}/${SECRET}` }).send(event));
  expect(error.message).toBe(
    `Cannot send an alert to the webhook at ${new URL(url).host}: it answered ${status}.`,
  );
  expect(error.retryable).toBe(retryable);
});

test('a receiver that does not answer is given up after the timeout', async () => {
  const { url, answerWith } = await receiver();
  answerWith('nothing');
  const error = await failureOf(createWebhookSink({ url, timeoutMillis: 100 }).send(event));
  expect(error.message).toMatch(/: no answer in 100 ms\.$/);
  expect(error.retryable).toBe(true);
});

test('the address is a secret: no failure shows more of it than the host', async () => {
  const { url, stop } = await receiver();
  await stop();
  const address = `${url.replace('://', `://robot:${SECRET}@`)}/${SECRET}?key=${SECRET}#${SECRET}`;
  const refused = await failureOf(createWebhookSink({ url: address }).send(event));
  expect(refused.message).toMatch(/: the connection failed \(ECONNREFUSED\)\.$/);
  const unknown = await failureOf(
    createWebhookSink({ url: `https://nowhere.invalid/${SECRET}` }).send(event),
  );
  expect(unknown.message).toMatch(/webhook at nowhere\.invalid: the connection failed/);
  // A port that fetch itself refuses to use.
  const blocked = await failureOf(createWebhookSink({ url: `http://127.0.0.1:1/${SECRET}` }).send(event));
  for (const error of [refused, unknown, blocked]) {
    expect(`${error.stack}${JSON.stringify(error)}${String(error.cause)}`).not.toContain(SECRET);
  }
});

test('an address that is not HTTP is refused at once, without repeating it', () => {
  for (const url of [`ftp://host/${SECRET}`, SECRET, '']) {
    expect(() => createWebhookSink({ url })).toThrow(
      expect.objectContaining({ code: 'CONFIG_INVALID', message: expect.not.stringContaining(SECRET) }),
    );
  }
});

test('the log gets one line per event, whatever is in the summary', async () => {
  const lines: string[] = [];
  await createLogSink({ log: (line) => lines.push(line) }).send(event);
  expect(lines).toEqual([
    'alert opened: critical failed/shop/activity@v1: activity@v1 has 1 interval failed: <script> & more second line',
  ]);
});
