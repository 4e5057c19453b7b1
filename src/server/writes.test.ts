import { setTimeout as sleep } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { pushSourceSpec } from '../../test/support/push-world.ts';
import { batchSpec, manifestOf } from '../../test/support/specs.ts';
import { TidemarkError } from '../core/errors.ts';
import type { BatchViewSpec } from '../core/feature-view.ts';
import { durationOf, timeOf } from '../core/time.ts';
import { createMemoryOnlineStore } from '../online/memory/memory-online-store.ts';
import type { OnlineStore } from '../online/online-store.ts';
import { onlineTableOf } from '../online/online-table.ts';
import type { PushBatch, PushLog } from '../push/push-log.ts';
import type { UnreadableSegment } from '../push/unreadable-segments.ts';
import { createApp } from './app.ts';

/** What a push does when one of the two places it writes to fails. */
const NOW = timeOf('2026-03-01T12:00:00Z');
const source = pushSourceSpec({ user_id: 'int64', page: 'string' });
const view = batchSpec({
  name: 'last_click',
  stream: true,
  sources: [source],
  transformation: { kind: 'passthrough' },
  timestampField: 'at',
  features: [{ name: 'page', type: 'string', description: '' }],
});
const df = { user_id: [1], page: ['home'], at: ['2026-03-01T11:59:00Z'] };

/** A server over a store and a log, each of which can be away. */
function served(
  { logIsAway = false, onlineIsAway = false, logged = () => sleep(20) } = {},
  views: readonly BatchViewSpec[] = [view],
  unreadable: readonly UnreadableSegment[] = [],
) {
  const steps: string[] = [];
  const batches: PushBatch[] = [];
  const store = createMemoryOnlineStore();
  const away = (what: string) => new TidemarkError('STORE_UNAVAILABLE', `${what} is away.`);
  const log: PushLog = {
    async append(batch) {
      if (logIsAway) throw away('The log');
      // Later than a write that did not wait would be.
      await logged();
      steps.push('log');
      batches.push(batch);
    },
    unreadable: () => unreadable,
    close: async () => {},
  };
  const online: OnlineStore = {
    ...store,
    async write(table, rows) {
      if (onlineIsAway) throw away('Redis');
      steps.push('online');
      return await store.write(table, rows);
    },
  };
  const manifest = manifestOf(views);
  const app = createApp({
    registry: {
      current: () => ({ manifest, revision: 1, servingVersions: new Map([['last_click', 1]]) }),
      status: () => ({ readAt: NOW, error: null, revision: 1 }),
    },
    online,
    functions: new Map(),
    clock: () => NOW,
    writes: { log, online, onStreamed: () => {}, maxFuture: durationOf('5m') },
  });
  const push = async (body: object) => {
    const response = await app.inject({ method: 'POST', url: '/push', payload: JSON.stringify(body) });
    return { status: response.statusCode, json: response.json() };
  };
  const stored = async () => {
    const [rows] = await store.read([{ table: onlineTableOf('shop', view), keys: [[1n]] }]);
    return rows?.[0]?.values[0];
  };
  return { app, push, stored, steps, batches };
}

test('rows are in the log before they are online', async () => {
  const { app, push, steps, batches, stored } = served();
  const { status } = await push({ push_source_name: 'clicks', df, to: 'online_and_offline' });
  expect(status).toBe(200);
  expect(steps).toEqual(['log', 'online']);
  expect(await stored()).toBe('home');
  const metrics = (await app.inject({ method: 'GET', url: '/metrics' })).body;
  expect(metrics).toContain('tidemark_pushed_rows_total{source="clicks"} 1');
  expect(metrics).toContain('tidemark_online_rows_total{view="last_click@v1",result="written"} 1');
  expect(batches).toEqual([
    {
      project: 'shop',
      source: 'clicks',
      receivedAt: NOW,
      rows: [
        {
          eventTime: timeOf('2026-03-01T11:59:00Z'),
          createdTime: null,
          columns: { user_id: 1n, page: 'home' },
        },
      ],
    },
  ]);
});

test('of large pushes at once no more are taken than a second is enough for, and small ones go on', async () => {
  const gate = Promise.withResolvers<void>();
  let taken = 0;
  const logged = () => {
    taken += 1;
    return gate.promise;
  };
  const { push } = served({ logged });
  const large = { push_source_name: 'clicks', df: { ...df, page: ['x'.repeat(180_000)] }, to: 'offline' };
  let refused = 0;
  const answers = Array.from({ length: 40 }, async () => {
    const { status, json } = await push(large);
    if (json.error?.code === 'OVERLOADED') refused += 1;
    return status;
  });
  // 23 of them are 4 MiB, and one waits for its turn.
  await expect.poll(() => refused).toBe(16);
  const small = push({ push_source_name: 'clicks', df, to: 'offline' });
  await expect.poll(() => taken).toBe(24);
  gate.resolve();
  expect((await small).status).toBe(200);
  expect((await Promise.all(answers)).filter((status) => status === 200)).toHaveLength(24);
});

test('a push larger than the rest of what is taken at once waits until there is room for it', async () => {
  const gates: (() => void)[] = [];
  const { push } = served({ logged: () => new Promise<void>((resolve) => gates.push(resolve)) });
  const ofRows = (rows: number) => {
    const df = {
      user_id: Array.from({ length: rows }, (_, at) => at),
      page: new Array(rows).fill('x'.repeat(900_000)),
      at: new Array(rows).fill('2026-03-01T11:59:00Z'),
    };
    return push({ push_source_name: 'clicks', df, to: 'offline' });
  };
  const running = [ofRows(1), ofRows(1)];
  await expect.poll(() => gates.length).toBe(2);
  const largest = ofRows(7);
  gates[0]?.();
  expect((await running[0])?.status).toBe(200);
  await sleep(50);
  expect(gates).toHaveLength(2);
  gates[1]?.();
  await expect.poll(() => gates.length).toBe(3);
  gates[2]?.();
  expect((await largest).status).toBe(200);
});

test('a push of nearly 8 MiB is taken when there is no other', async () => {
  const { push, batches } = served();
  const rows = Array.from({ length: 9 }, (_, at) => at);
  const largest = {
    user_id: rows,
    page: rows.map(() => 'x'.repeat(920_000)),
    at: rows.map(() => '2026-03-01T11:59:00Z'),
  };
  const answer = await push({ push_source_name: 'clicks', df: largest, to: 'offline' });
  expect(answer.status).toBe(200);
  expect(batches[0]?.rows).toHaveLength(9);
});

test('every version of a stream view takes what is pushed, those that are computed do not', async () => {
  const { stream: _, ...byClock } = { ...view, name: 'clicks_a_day' };
  const { push } = served({}, [
    view,
    {
      ...view,
      version: 2,
      features: [...view.features, { name: 'user_id', type: 'int64', description: '' }],
    },
    { ...view, name: 'hidden', online: false },
    byClock,
  ]);
  const { json } = await push({ push_source_name: 'clicks', df });
  expect(json.online).toEqual([
    { view: 'last_click@v1', written: 1, unchanged: 0 },
    { view: 'last_click@v2', written: 1, unchanged: 0 },
  ]);
});

test.each(['__proto__', 'constructor', 'hasOwnProperty'])(
  'a column of the name %s is one that the source does not have',
  async (name) => {
    const { app } = served();
    const payload = `{"push_source_name":"clicks","df":{"${name}":[1],"user_id":[1],"page":["a"],"at":["2026-03-01T11:59:00Z"]}}`;
    const response = await app.inject({ method: 'POST', url: '/push', payload });
    expect([response.statusCode, response.json().error?.code]).toEqual([400, 'REQUEST_INVALID']);
  },
);

test('text that no store can hold is refused with its row before anything is written', async () => {
  const { push, steps } = served();
  const { status, json } = await push({
    push_source_name: 'clicks',
    to: 'online_and_offline',
    df: { user_id: [1, 2], page: ['home', 'a\ud800'], at: [df.at[0], df.at[0]] },
  });
  expect(status).toBe(400);
  expect(json.error.problems).toEqual([
    { where: 'df.page[1]', message: 'found text with half of a surrogate pair; allowed is text.' },
  ]);
  expect(steps).toEqual([]);
});

test.each([
  ['online', ['online']],
  ['offline', ['log']],
])('a push to %s goes there alone', async (to, expected) => {
  const { push, steps } = served();
  expect((await push({ push_source_name: 'clicks', df, to })).status).toBe(200);
  expect(steps).toEqual(expected);
});

test('what the log does not take is not online either, and the answer says so', async () => {
  const { push, stored } = served({ logIsAway: true });
  const { status, json } = await push({ push_source_name: 'clicks', df, to: 'online_and_offline' });
  expect([status, json.error.code]).toEqual([503, 'STORE_UNAVAILABLE']);
  expect(await stored()).toBeUndefined();
});

test('with the online store away the push fails, to be repeated: the log has the rows already', async () => {
  const { push, batches } = served({ onlineIsAway: true });
  const { status } = await push({ push_source_name: 'clicks', df, to: 'online_and_offline' });
  expect(status).toBe(503);
  expect(batches).toHaveLength(1);
});

test('a time is refused from a microsecond beyond the setting', async () => {
  const { push } = served();
  const at = (time: string) => push({ push_source_name: 'clicks', df: { ...df, at: [time] } });
  expect((await at('2026-03-01T12:05:00Z')).status).toBe(200);
  expect((await at('2026-03-01T12:05:00.000001Z')).status).toBe(400);
});

test('a time before the year 1, which SQL does not have, is refused', async () => {
  const { push, steps } = served();
  const at = (time: string) => push({ push_source_name: 'clicks', df: { ...df, at: [time] }, to: 'offline' });
  expect((await at('0001-01-01T00:00:00Z')).status).toBe(200);
  expect((await at('0001-01-01T00:00:00+01:00')).json.error.problems).toEqual([
    { where: 'df.at[0]', message: 'found 0000-12-31T23:00:00Z, which is before the year 1.' },
  ]);
  expect(steps).toEqual(['log']);
});

test('a server that was started for reading refuses to write and to start runs, and says why', async () => {
  const { app } = served();
  const readOnly = createApp({
    registry: {
      current: () => ({ manifest: manifestOf([view]), revision: 1, servingVersions: new Map() }),
      status: () => ({ readAt: NOW, error: null, revision: 1 }),
    },
    online: createMemoryOnlineStore(),
    functions: new Map(),
    clock: () => NOW,
  });
  const write = await readOnly.inject({
    method: 'POST',
    url: '/push',
    payload: JSON.stringify({ push_source_name: 'clicks', df }),
  });
  expect([write.statusCode, write.json().error.code]).toEqual([503, 'STACK_UNAVAILABLE']);
  const run = await app.inject({ method: 'GET', url: '/runs/materialize/shop/last_click@v1' });
  expect([run.statusCode, run.json().error.code]).toEqual([503, 'STACK_UNAVAILABLE']);
});

test('pushed rows that cannot be read are told by /health and /metrics, and nothing else stops', async () => {
  const segment = {
    project: 'shop',
    source: 'clicks',
    host: 'a',
    path: '/log/shop/clicks/1.segment.unreadable',
    bytes: 90,
    reason: 'its lines 2 to 4 are not as they were written',
  };
  const { app, push } = served({}, [view], [segment]);
  const health = await app.inject('/health');
  expect([health.statusCode, health.json().status]).toEqual([200, 'degraded']);
  expect(health.json().dependencies.push_log).toEqual({
    status: 'unreadable',
    problems: [expect.stringContaining('/log/shop/clicks/1.segment.unreadable on a, 90 bytes. It is kept.')],
  });
  expect((await app.inject('/metrics')).body).toContain('tidemark_push_segments_unreadable 1');
  expect((await push({ push_source_name: 'clicks', df })).status).toBe(200);
  const well = await served().app.inject('/health');
  expect(well.json()).toMatchObject({ status: 'ok', dependencies: { push_log: { status: 'ok' } } });
});
