import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import {
  activity as activitySpec,
  everything,
  functions,
  NOW,
  putOnline,
  RECENT,
  servingSnapshot,
} from '../../test/support/serving-project.ts';
import { readConfig } from '../config.ts';
import { avg, count } from '../define/aggregation.ts';
import { entity } from '../define/entity.ts';
import { featureService } from '../define/feature-service.ts';
import { batchFeatureView } from '../define/feature-view.ts';
import { parquetSource } from '../define/source.ts';
import { createMemoryOnlineStore } from '../online/memory/memory-online-store.ts';
import { type RunningServer, serve } from '../server/serve.ts';
import { createClient } from './client.ts';

const project = 'client';
const BIG = 9_007_199_254_740_993n;
const activity = batchFeatureView({
  name: 'activity',
  version: 1,
  entities: [entity({ name: 'user', joinKeys: { user_id: 'int64' } })],
  source: parquetSource({ name: 'events', path: 'events', timestampField: 'at' }),
  schedule: '0 * * * *',
  startTime: '2026-01-01T00:00:00Z',
  aggregations: { sessions: count('7d'), spend: avg('amount', '7d') },
});
const online = createMemoryOnlineStore();
let server: RunningServer;

beforeAll(async () => {
  const snapshot = servingSnapshot(project);
  server = await serve({
    host: '127.0.0.1',
    port: 0,
    registry: { current: () => snapshot, status: () => ({ readAt: NOW, error: null, revision: 1 }) },
    online,
    functions,
    clock: () => NOW,
    processMetrics: false,
  });
  await putOnline(online, project, activitySpec, [{ key: [BIG], values: [BIG, 2.5, null] }]);
});
afterAll(() => server.close());

const others: Server[] = [];
afterEach(() => {
  for (const other of others.splice(0)) other.close().closeAllConnections();
});

/** A server that answers as a test says. */
async function answering(answer: Parameters<typeof createServer>[1]): Promise<string> {
  const other = createServer(answer as never);
  others.push(other);
  await new Promise<void>((resolve) => other.listen(0, '127.0.0.1', resolve));
  return `http://127.0.0.1:${(other.address() as AddressInfo).port}`;
}

test('features of a view come as rows, with exact integers, statuses and event times', async () => {
  const client = createClient({ baseUrl: server.url });
  const rows = await client.getOnlineFeatures({
    view: activity,
    features: ['sessions', 'spend'],
    entities: [{ user_id: BIG }, { user_id: BIG - 1n }],
  });
  expect(rows).toEqual([
    {
      entity: { user_id: BIG },
      values: { sessions: BIG, spend: 2.5 },
      statuses: { sessions: 'PRESENT', spend: 'PRESENT' },
      eventTimes: { sessions: RECENT, spend: RECENT },
    },
    {
      entity: { user_id: BIG - 1n },
      values: { sessions: null, spend: null },
      statuses: { sessions: 'NOT_FOUND', spend: 'NOT_FOUND' },
      eventTimes: { sessions: null, spend: null },
    },
  ]);
});

test('features of a service come with its request data, by definition or by name', async () => {
  const client = createClient({ baseUrl: `${server.url}/` });
  const service = featureService({ name: 'churn_model', features: [activity] });
  const entities = [{ user_id: BIG, amount: 5 }];
  const [typed] = await client.getOnlineFeatures({ service, entities });
  expect(typed?.values).toEqual({ spend: 2.5, sessions: BIG, ratio: 2 });
  const [named] = await client.getOnlineFeatures({ service: 'churn_model', entities, fullNames: true });
  expect(named?.values).toEqual({ activity__spend: 2.5, activity__sessions: BIG, ratio__ratio: 2 });
});

test('every type comes back as it was stored', async () => {
  const values = [
    true,
    -1,
    -(2n ** 63n),
    Number.NaN,
    'é',
    Buffer.from([0, 255]),
    1_500_001n,
    '2026-01-31',
    '{}',
    ['a', null],
    Float32Array.of(0.5, Number.POSITIVE_INFINITY),
  ];
  await putOnline(online, project, everything, [{ key: [1n], values }]);
  const client = createClient({ baseUrl: server.url });
  const [row] = await client.getOnlineFeatures({ features: ['everything:*'], entities: [{ user_id: 1n }] });
  expect(Object.values(row?.values ?? {})).toEqual(values);
});

test("the server's error is thrown with its code and problems", async () => {
  const client = createClient({ baseUrl: server.url });
  const entities = [{ user_id: 1n }];
  await expect(client.getOnlineFeatures({ features: ['activity:sesions'], entities })).rejects.toMatchObject({
    name: 'TidemarkError',
    code: 'UNKNOWN_FEATURE',
    message: expect.stringContaining('"sessions"'),
  });
  await expect(
    client.getOnlineFeatures({ features: ['activity:sessions'], entities: [{ user_id: 'x' }] }),
  ).rejects.toMatchObject({ code: 'REQUEST_INVALID', problems: [{ where: 'entities.user_id[0]' }] });
  await expect(
    client.getOnlineFeatures({ features: ['activity:sessions'], entities: [] }),
  ).rejects.toMatchObject({ code: 'REQUEST_INVALID' });
});

test('rows with other names than the first are refused before they are sent', async () => {
  const client = createClient({ baseUrl: server.url });
  const request = { features: ['activity:sessions'] };
  for (const second of [{}, { user_id: 2n, more: 1 }, { other: 2n }]) {
    await expect(
      client.getOnlineFeatures({ ...request, entities: [{ user_id: 1n }, second] }),
    ).rejects.toMatchObject({ code: 'REQUEST_INVALID', message: expect.stringContaining('entities[1]') });
  }
});

test('a connection that breaks is tried once more', async () => {
  let requests = 0;
  const url = await answering((request, response) => {
    requests += 1;
    if (requests === 1) request.socket.destroy();
    else response.writeHead(404).end('{"error":{"code":"UNKNOWN_VIEW","message":"second"}}');
  });
  const client = createClient({ baseUrl: url });
  await expect(client.getOnlineFeatures({ features: ['a:b'], entities: [{ id: 1 }] })).rejects.toThrow(
    'second',
  );
  expect(requests).toBe(2);
});

test('a server that is not there, or slow, or something else is one clear error', async () => {
  const request = { features: ['a:b'], entities: [{ id: 1 }] };
  const gone = createClient({ baseUrl: 'http://user:secret@127.0.0.1:1' });
  const error = await gone.getOnlineFeatures(request).catch((thrown: unknown) => thrown);
  expect(error).toMatchObject({ code: 'STORE_UNAVAILABLE' });
  expect(String(error)).not.toContain('secret');

  let requests = 0;
  const slow = await answering(() => {
    requests += 1;
  });
  await expect(
    createClient({ baseUrl: slow, timeoutMillis: 50 }).getOnlineFeatures(request),
  ).rejects.toMatchObject({
    code: 'STORE_UNAVAILABLE',
    message: expect.stringContaining('within 50 ms'),
  });
  // A busy machine may not have come to the first within the time.
  expect(requests).toBeLessThan(2);

  const other = await answering((_request, response) => response.end('<html>'));
  await expect(createClient({ baseUrl: other }).getOnlineFeatures(request)).rejects.toMatchObject({
    code: 'INTERNAL',
  });
  expect(() => createClient({ baseUrl: 'localhost:6567' })).toThrow('http://127.0.0.1:6567');
});

test('a cancelled read says so', async () => {
  const slow = await answering(() => {});
  const read = createClient({ baseUrl: slow }).getOnlineFeatures({
    features: ['a:b'],
    entities: [{ id: 1 }],
    signal: AbortSignal.timeout(20),
  });
  await expect(read).rejects.toMatchObject({ code: 'CANCELLED' });
});

test('the port of a server that is given none is one that fetch asks', async () => {
  // 6566, and some others, are refused by fetch before anybody is asked.
  const failed = await fetch(`http://127.0.0.1:${readConfig({}).port}/health`).catch((error) => error);
  expect(failed).not.toMatchObject({ cause: { message: 'bad port' } });
});
