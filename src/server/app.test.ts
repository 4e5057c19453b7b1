import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import {
  activity,
  activityV2,
  airports,
  everything,
  functions,
  NOW,
  putOnline,
  RECENT,
  routes,
  servingSnapshot,
} from '../../test/support/serving-project.ts';
import { TidemarkError } from '../core/errors.ts';
import { durationOf, subtractDuration } from '../core/time.ts';
import { createMemoryOnlineStore } from '../online/memory/memory-online-store.ts';
import type { OnlineStore } from '../online/online-store.ts';
import { createApp } from './app.ts';
import type { AppDependencies } from './dependencies.ts';

const project = 'serving';
const BIG = 9_007_199_254_740_993n;
const EPOCH = '1970-01-01T00:00:00Z';
let online: OnlineStore;
let app: ReturnType<typeof createApp>;

function start(changes: Partial<AppDependencies> = {}) {
  const snapshot = servingSnapshot(project);
  return createApp({
    registry: {
      current: () => snapshot,
      status: () => ({ readAt: NOW, error: null, revision: snapshot.revision }),
    },
    online,
    functions,
    clock: () => NOW,
    ...changes,
  });
}

beforeEach(() => {
  online = createMemoryOnlineStore();
  app = start();
});
afterEach(() => app.close());

async function post(body: unknown, server = app) {
  const payload = typeof body === 'string' ? body : JSON.stringify(body);
  const response = await server.inject({ method: 'POST', url: '/get-online-features', payload });
  return { status: response.statusCode, text: response.body, json: response.json() };
}

async function refused(body: unknown, server = app) {
  const { status, text, json } = await post(body, server);
  expect(text).not.toMatch(/\n\s+at |node_modules|\.ts:/);
  return { status, ...json.error };
}

describe('an answer', () => {
  test("has Feast's shape: join keys first, then the features, column by column", async () => {
    await putOnline(online, project, activity, [{ key: [1n], values: [5n, 2.5, null] }]);
    const { status, json } = await post({
      features: ['activity:sessions', 'activity:model'],
      entities: { user_id: [1, 2] },
    });
    expect(status).toBe(200);
    expect(json).toEqual({
      metadata: { feature_names: ['user_id', 'sessions', 'model'] },
      results: [
        { values: [1, 2], statuses: ['PRESENT', 'PRESENT'], event_timestamps: [EPOCH, EPOCH] },
        {
          values: [5, null],
          statuses: ['PRESENT', 'NOT_FOUND'],
          event_timestamps: ['2026-02-01T06:00:00.000001Z', EPOCH],
        },
        {
          values: [null, null],
          statuses: ['NULL_VALUE', 'NOT_FOUND'],
          event_timestamps: ['2026-02-01T06:00:00.000001Z', EPOCH],
        },
      ],
    });
  });

  test('keeps every digit of int64, as number or text, in keys and values', async () => {
    await putOnline(online, project, activity, [{ key: [BIG], values: [BIG, 1, 'x'] }]);
    const { text } = await post(
      `{"features":["activity:sessions"],"entities":{"user_id":[${BIG}, "${BIG}", ${BIG - 1n}]}}`,
    );
    expect(text).toContain(`"values":[${BIG},${BIG},${BIG - 1n}]`);
    expect(text).toContain(`"values":[${BIG},${BIG},null]`);
  });

  test('writes every type as Feast does, and timestamps as ISO when asked for types', async () => {
    await putOnline(online, project, everything, [
      {
        key: [1n],
        values: [
          true,
          -1,
          BIG,
          Number.NaN,
          'é"',
          Buffer.from([0, 255]),
          1_500_000n,
          '2026-01-31',
          '{"a": 1}',
          ['a', null],
          Float32Array.of(0.5, Number.POSITIVE_INFINITY),
        ],
      },
    ]);
    const request = { features: ['everything:*'], entities: { user_id: [1] } };
    const { json } = await post(request);
    const values = json.results.map((result: { values: unknown[] }) => result.values[0]);
    expect(values).toEqual([
      1,
      true,
      -1,
      Number(BIG),
      'NaN',
      'é"',
      'AP8=',
      1,
      '2026-01-31',
      '{"a": 1}',
      ['a', null],
      [0.5, 'Infinity'],
    ]);
    const typed = await post({ ...request, typed: true });
    expect(typed.json.results[7].values).toEqual(['1970-01-01T00:00:01.5Z']);
    expect(typed.json.metadata.feature_types.slice(0, 3)).toEqual(['int64', 'bool', 'int32']);
  });

  test('reads several views and entities at once, each by its own keys, in full names', async () => {
    await putOnline(online, project, activity, [{ key: [1n], values: [5n, 2.5, 'a'] }]);
    await putOnline(online, project, routes, [
      { key: ['1', '23'], values: [1.5] },
      { key: ['12', '3'], values: [2.5] },
    ]);
    const { json } = await post({
      features: ['activity:sessions', 'routes:avg_delay'],
      entities: { user_id: [1, 1, 7], origin: ['1', '12', '1'], dest: ['23', '3', '3'] },
      full_feature_names: true,
    });
    expect(json.metadata.feature_names).toEqual([
      'user_id',
      'origin',
      'dest',
      'activity__sessions',
      'routes__avg_delay',
    ]);
    expect(json.results[3].values).toEqual([5, 5, null]);
    expect(json.results[4].values).toEqual([1.5, 2.5, null]);
  });

  test('reads equal entities once', async () => {
    const asked: number[] = [];
    const counting = start({
      online: {
        ping: online.ping,
        read: (requests) => {
          asked.push(...requests.map(({ keys }) => keys.length));
          return online.read(requests);
        },
      },
    });
    await post(
      { features: ['activity:*', 'everything:big'], entities: { user_id: [1, 2, 1, '2'] } },
      counting,
    );
    await counting.close();
    expect(asked).toEqual([2, 2]);
  });

  test('gives the serving version, or the one that is pinned', async () => {
    await putOnline(online, project, activity, [{ key: [1n], values: [1n, 0, ''] }]);
    await putOnline(online, project, activityV2, [{ key: [1n], values: [2n] }]);
    const read = async (reference: string) =>
      (await post({ features: [reference], entities: { user_id: [1] } })).json.results[1].values;
    expect(await read('activity:sessions')).toEqual([1]);
    expect(await read('activity@v2:sessions')).toEqual([2]);
  });

  test('withholds a value older than the TTL, counted from its event time, unless asked for it', async () => {
    const oldest = subtractDuration(NOW, durationOf('7d'));
    await putOnline(online, project, activity, [
      { key: [1n], values: [1n, 0, null], at: oldest },
      { key: [2n], values: [2n, 0, null], at: subtractDuration(oldest, durationOf('1us')) },
    ]);
    const request = { features: ['activity:sessions'], entities: { user_id: [1, 2] } };
    const withheld = (await post(request)).json.results[1];
    expect(withheld.values).toEqual([1, null]);
    expect(withheld.statuses).toEqual(['PRESENT', 'OUTSIDE_MAX_AGE']);
    expect(withheld.event_timestamps[1]).toBe('2026-01-25T11:59:59.999999Z');
    const included = (await post({ ...request, include_expired: true })).json.results[1];
    expect(included.values).toEqual([1, 2]);
    expect(included.statuses).toEqual(['PRESENT', 'OUTSIDE_MAX_AGE']);
  });

  test('a null key matches nothing', async () => {
    await putOnline(online, project, activity, [{ key: [0n], values: [1n, 0, null] }]);
    const { json } = await post({ features: ['activity:sessions'], entities: { user_id: [null, 0] } });
    expect(json.results[0].statuses).toEqual(['NULL_VALUE', 'PRESENT']);
    expect(json.results[1].statuses).toEqual(['NOT_FOUND', 'PRESENT']);
  });

  test('reads one view under two aliases', async () => {
    await putOnline(online, project, airports, [
      { key: ['JFK'], values: [13] },
      { key: ['SEA'], values: [433] },
    ]);
    const { json } = await post({
      features: ['airports:altitude'],
      entities: { from: ['JFK'], to: ['SEA'] },
      entity_aliases: [
        { view: 'airports', prefix: 'from_', keys: { airport: 'from' } },
        { view: 'airports', prefix: 'to_', keys: { airport: 'to' } },
      ],
    });
    expect(json.metadata.feature_names).toEqual(['from', 'to', 'from_altitude', 'to_altitude']);
    expect(json.results.slice(2).map((result: { values: unknown[] }) => result.values)).toEqual([
      [13],
      [433],
    ]);
  });

  test('gives a join key of the project back that nothing needs', async () => {
    const { json } = await post({
      features: ['routes:avg_delay'],
      entities: { origin: ['a'], dest: ['b'], user_id: [1] },
    });
    expect(json.metadata.feature_names).toEqual(['origin', 'dest', 'user_id', 'avg_delay']);
  });

  test('tells the version of each view when asked', async () => {
    const { json } = await post({
      features: ['activity@v2:sessions'],
      entities: { user_id: [1] },
      include_feature_view_version_metadata: true,
    });
    expect(json.metadata.feature_view_metadata).toEqual([{ name: 'activity', version: 2 }]);
  });
});

describe('on-demand features', () => {
  test('are computed from what is served and from request data, wherever that stands', async () => {
    await putOnline(online, project, activity, [{ key: [1n], values: [1n, 4, null] }]);
    const among = await post({
      feature_service: 'churn_model',
      entities: { user_id: [1, 2], amount: [2, 2] },
    });
    expect(among.json.metadata.feature_names).toEqual(['user_id', 'spend', 'sessions', 'ratio']);
    expect(among.json.results[3]).toEqual({
      values: [0.5, null],
      statuses: ['PRESENT', 'NULL_VALUE'],
      event_timestamps: [EPOCH, EPOCH],
    });
    const apart = await post({
      feature_service: 'churn_model',
      entities: { user_id: [1, 2] },
      request_data: { amount: [2, 2] },
    });
    expect(apart.json).toEqual(among.json);
  });

  test('do not see a value that is withheld', async () => {
    const at = subtractDuration(NOW, durationOf('8d'));
    await putOnline(online, project, activity, [{ key: [1n], values: [1n, 4, null], at }]);
    const request = { features: ['ratio:ratio'], entities: { user_id: [1], amount: [2] } };
    expect((await post(request)).json.results[1].values).toEqual([null]);
    expect((await post({ ...request, include_expired: true })).json.results[1].values).toEqual([0.5]);
  });

  test('of a function that throws are INVALID in that row alone, and counted', async () => {
    await putOnline(online, project, activity, [{ key: [1n], values: [1n, 4, null] }]);
    const { json } = await post({
      features: ['fragile:luck', 'activity:sessions'],
      entities: { user_id: [1, 1], amount: [13, 14] },
    });
    expect(json.results[1]).toMatchObject({ values: [null, true], statuses: ['INVALID', 'PRESENT'] });
    expect(json.results[2].statuses).toEqual(['PRESENT', 'PRESENT']);
    const metrics = (await app.inject('/metrics')).body;
    expect(metrics).toContain('tidemark_on_demand_failures_total{view="fragile",version="1"} 1');
    expect(metrics).toContain(
      'tidemark_feature_values_total{view="activity",version="1",status="PRESENT"} 2',
    );
  });

  test('whose function is not there are INVALID, and the rest is served', async () => {
    const bare = start({ functions: new Map() });
    const { json } = await post(
      { features: ['ratio:ratio', 'activity:spend'], entities: { user_id: [1], amount: [1] } },
      bare,
    );
    await bare.close();
    expect(json.results.map((result: { statuses: string[] }) => result.statuses[0])).toEqual([
      'PRESENT',
      'INVALID',
      'NOT_FOUND',
    ]);
  });
});

describe('bad input', () => {
  const entities = { user_id: [1] };
  const features = ['activity:sessions'];

  test.each([
    [{ features: ['activity:sesions'], entities }, 404, 'UNKNOWN_FEATURE', 'Did you mean "sessions"?'],
    [{ features: ['activty:sessions'], entities }, 404, 'UNKNOWN_VIEW', 'Did you mean "activity"?'],
    [{ features: ['activity@v9:sessions'], entities }, 404, 'UNKNOWN_VIEW', 'versions 1 and 2'],
    [{ feature_service: 'churn_modell', entities }, 404, 'UNKNOWN_FEATURE', 'Did you mean "churn_model"?'],
    [{ features, entities: { user_id: [1], usr_id: [1] } }, 404, 'UNKNOWN_ENTITY', 'Did you mean "user_id"?'],
    [{ features: ['nonsense'], entities }, 400, 'REQUEST_INVALID', 'view:feature'],
    [{ features: ['hidden:secret'], entities }, 400, 'REQUEST_INVALID', 'not published online'],
    [{ features, entities: {} }, 400, 'REQUEST_INVALID', 'no entities'],
    [{ features, entities: { user_id: [] } }, 400, 'REQUEST_INVALID', 'no entities'],
    [
      { features, entities: { origin: ['a'] } },
      400,
      'REQUEST_INVALID',
      'entities.user_id: the join key is missing',
    ],
    [
      { features: ['routes:avg_delay'], entities: { origin: ['a', 'b'], dest: ['c'] } },
      400,
      'REQUEST_INVALID',
      '"origin" has 2, "dest" has 1',
    ],
    [
      { features: ['ratio:ratio'], entities },
      400,
      'REQUEST_INVALID',
      'entities.amount: the request field is missing',
    ],
    [
      { features: ['ratio:ratio'], entities: { ...entities, amount: [null] } },
      400,
      'REQUEST_INVALID',
      'entities.amount[0]: found null',
    ],
    [
      { features: ['ratio:ratio'], entities: { ...entities, amount: [1] }, request_data: { amount: [1] } },
      400,
      'REQUEST_INVALID',
      'request_data.amount',
    ],
    [{ features, feature_service: 'churn_model', entities }, 400, 'REQUEST_INVALID', 'not both'],
    [{ entities }, 400, 'REQUEST_INVALID', 'give "features"'],
    [{ features, entities: { user_id: 1 } }, 400, 'REQUEST_INVALID', 'entities.user_id: expected a list'],
    [{ features, entities: [] }, 400, 'REQUEST_INVALID', 'entities: expected an object of lists'],
    [{ features, entities, full_feature_name: true }, 400, 'REQUEST_INVALID', 'full_feature_name'],
    [{ features: [1], entities }, 400, 'REQUEST_INVALID', 'features.0'],
    [[], 400, 'REQUEST_INVALID', 'expected a JSON object'],
    ['', 400, 'REQUEST_INVALID', 'Cannot read the request'],
    ['{"features": [', 400, 'REQUEST_INVALID', 'as JSON'],
    ['null', 400, 'REQUEST_INVALID', 'expected a JSON object'],
    ['{"features":["activity:sessions"],"entities":{"__proto__":[1]}}', 400, 'REQUEST_INVALID', ''],
  ])('%j is one clear error', async (body, status, code, message) => {
    const error = await refused(body);
    expect(error).toMatchObject({ status, code });
    expect(error.message).toContain(message);
  });

  test('a key of the wrong type is named with its column, row, what was found and what is allowed; all at once', async () => {
    const error = await refused({ features, entities: { user_id: [1, 'abc', 1.5, true, {}] } });
    expect(error).toMatchObject({ status: 400, code: 'REQUEST_INVALID' });
    const allowed = 'allowed is an integer of 64 bits (as a number or as decimal text).';
    expect(error.problems).toEqual([
      { where: 'entities.user_id[1]', message: `found the text "abc"; ${allowed}` },
      { where: 'entities.user_id[2]', message: `found 1.5; ${allowed}` },
      { where: 'entities.user_id[3]', message: `found true; ${allowed}` },
      { where: 'entities.user_id[4]', message: `found an object; ${allowed}` },
    ]);
    const text = await refused({ features: ['routes:avg_delay'], entities: { origin: [1], dest: ['b'] } });
    expect(text.problems).toEqual([{ where: 'entities.origin[0]', message: 'found 1; allowed is text.' }]);
  });

  test('many wrong keys are counted, not listed', async () => {
    const error = await refused({ features, entities: { user_id: new Array(500).fill('x') } });
    expect(error.problems).toHaveLength(21);
    expect(error.problems[20].message).toBe('and 480 more');
  });

  test('1 MB of nonsense is one short error', async () => {
    const nonsense = await refused('['.repeat(1_000_000));
    expect(nonsense).toMatchObject({ status: 400, code: 'REQUEST_INVALID' });
    expect(nonsense.message.length).toBeLessThan(200);
    const deep = await refused(`{"features":["${'x'.repeat(1_000_000)}"],"entities":{"user_id":[1]}}`);
    expect(deep.status).toBe(400);
    expect(await refused('x'.repeat(1_100_000))).toMatchObject({ status: 413, code: 'TOO_LARGE' });
  });

  test('more entities than the limit are refused before anything is read', async () => {
    const small = start({ maxRows: 2 });
    const error = await refused({ features, entities: { user_id: [1, 2, 3] } }, small);
    await small.close();
    expect(error).toMatchObject({ status: 413, code: 'TOO_LARGE' });
  });

  test('an unknown route or method is a 404', async () => {
    for (const [method, url] of [
      ['GET', '/nothing'],
      ['GET', '/get-online-features'],
    ] as const) {
      const response = await app.inject({ method, url });
      expect(response.statusCode).toBe(404);
      expect(response.json().error).toMatchObject({ code: 'REQUEST_INVALID' });
    }
  });
});

describe('what serving depends on', () => {
  const request = { features: ['activity:sessions'], entities: { user_id: [1] } };
  const down = async () => {
    throw new TidemarkError('STORE_UNAVAILABLE', 'Cannot reach Redis.');
  };

  test('without the online store a read is a 503, and so is the health', async () => {
    const broken = start({ online: { read: down, ping: down } });
    expect(await refused(request, broken)).toMatchObject({ status: 503, code: 'STORE_UNAVAILABLE' });
    const health = await broken.inject('/health');
    await broken.close();
    expect(health.statusCode).toBe(503);
    expect(health.json()).toMatchObject({
      status: 'unavailable',
      dependencies: { online_store: { status: 'unavailable', error: 'Cannot reach Redis.' } },
    });
  });

  test('without the registry what is known is served, and the health says so', async () => {
    const snapshot = servingSnapshot(project);
    const stale = start({
      registry: {
        current: () => snapshot,
        status: () => ({ readAt: RECENT, error: 'Cannot reach Postgres.', revision: 1 }),
      },
    });
    expect((await post(request, stale)).status).toBe(200);
    const health = await stale.inject('/health');
    await stale.close();
    expect(health.statusCode).toBe(200);
    expect(health.json()).toMatchObject({
      status: 'degraded',
      dependencies: { registry: { status: 'unavailable' } },
    });
  });

  test('when all is well the health is 200', async () => {
    const health = await app.inject('/health');
    expect([health.statusCode, health.json().status]).toEqual([200, 'ok']);
  });

  test('an unexpected failure is a 500 that keeps its text to the log', async () => {
    const logged: unknown[] = [];
    const broken = start({
      online: {
        ping: online.ping,
        read: async () => {
          throw new Error('password=hunter2');
        },
      },
      log: { warn() {}, error: (facts) => void logged.push(facts) },
    });
    const error = await refused(request, broken);
    await broken.close();
    expect(error).toMatchObject({ status: 500, code: 'INTERNAL' });
    expect(JSON.stringify(error)).not.toContain('hunter2');
    expect(logged).toHaveLength(1);
  });
});
