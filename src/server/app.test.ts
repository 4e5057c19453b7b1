import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import {
  post as postTo,
  SERVED_PROJECT as project,
  refusal,
  type ServedApp,
  servedApp,
} from '../../test/support/served-app.ts';
import { activity, NOW, putOnline, RECENT, servingSnapshot } from '../../test/support/serving-project.ts';
import { TidemarkError } from '../core/errors.ts';
import { durationOf, subtractDuration } from '../core/time.ts';

const EPOCH = '1970-01-01T00:00:00Z';
let online: ServedApp['online'];
let app: ServedApp['app'];
let start: ServedApp['start'];

beforeEach(() => {
  ({ online, app, start } = servedApp());
});
afterEach(() => app.close());

const post = (body: unknown, server = app) => postTo(body, server);
const refused = (body: unknown, server = app) => refusal(body, server);

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
