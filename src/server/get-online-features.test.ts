import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import {
  post as postTo,
  SERVED_PROJECT as project,
  type ServedApp,
  servedApp,
} from '../../test/support/served-app.ts';
import {
  activity,
  activityV2,
  airports,
  everything,
  NOW,
  putOnline,
  routes,
} from '../../test/support/serving-project.ts';
import { durationOf, subtractDuration } from '../core/time.ts';

const BIG = 9_007_199_254_740_993n;
const EPOCH = '1970-01-01T00:00:00Z';
let online: ServedApp['online'];
let app: ServedApp['app'];
let start: ServedApp['start'];

beforeEach(() => {
  ({ online, app, start } = servedApp());
});
afterEach(() => app.close());

const post = (body: unknown, server = app) => postTo(body, server);

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
