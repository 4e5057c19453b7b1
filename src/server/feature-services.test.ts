import { afterAll, expect, test } from 'vitest';
import { post, SERVED_PROJECT as project, servedApp } from '../../test/support/served-app.ts';
import { timeOf } from '../core/time.ts';
import type { ServiceSet } from '../registry/service-set.ts';

const { app, start } = servedApp();
afterAll(() => app.close());

test('a feature service is told with its features, the versions it reads, and the sets models were trained on', async () => {
  const asked: unknown[] = [];
  const sets: ServiceSet[] = [
    {
      project,
      service: 'churn_model',
      id: 'f00d',
      rows: 5_000_000_000,
      knownAt: 'row',
      createdAt: timeOf('2026-01-01T00:00:00.000001Z'),
    },
  ];
  const server = start({
    trainingSets: {
      serviceSets: async (of) => {
        asked.push(of);
        return sets;
      },
    },
  });
  const response = await server.inject({ url: '/feature-services/churn_model' });
  expect(response.statusCode).toBe(200);
  const body = response.json();
  expect(body).toMatchObject({
    name: 'churn_model',
    training_sets: [
      { id: 'f00d', created_at: '2026-01-01T00:00:00.000001Z', rows: 5_000_000_000, known_at: 'row' },
    ],
  });
  expect(body.features.length).toBeGreaterThan(0);
  for (const { name, view, version, type } of body.features) {
    expect([typeof name, typeof view, typeof version, typeof type]).toEqual([
      'string',
      'string',
      'number',
      'string',
    ]);
  }
  expect(asked).toEqual([{ project, service: 'churn_model', limit: 100 }]);
  await server.close();
});

test('its features stand in the order in which they are served', async () => {
  const told = (await app.inject({ url: '/feature-services/churn_model' })).json().features;
  const { json } = await post(
    { feature_service: 'churn_model', entities: { user_id: [1], amount: [1] } },
    app,
  );
  expect(json.metadata.feature_names).toEqual(['user_id', ...told.map(({ name }: { name: string }) => name)]);
});

test.each([
  { state: 'away', serviceSets: () => Promise.reject(new Error('connect ECONNREFUSED')) },
  { state: 'hanging', serviceSets: () => new Promise<never>(() => {}) },
])(
  'with the registry $state its features are told in time, and null for the sets',
  async ({ serviceSets }) => {
    let asked = 0;
    const server = start({
      trainingSets: {
        serviceSets: () => {
          asked += 1;
          return serviceSets();
        },
      },
    });
    const begun = performance.now();
    const answers = await Promise.all(
      Array.from({ length: 3 }, () => server.inject({ url: '/feature-services/churn_model' })),
    );
    expect(performance.now() - begun).toBeLessThan(3000);
    for (const response of answers) {
      expect(response.statusCode).toBe(200);
      expect(response.json()).toMatchObject({ name: 'churn_model', training_sets: null });
      expect(response.json().features).toHaveLength(3);
    }
    expect(asked).toBe(1);
    await server.close();
  },
);

test('one that is not there is 404, with the name that was meant', async () => {
  const response = await app.inject({ url: '/feature-services/churn_modle' });
  expect(response.statusCode).toBe(404);
  expect(response.json().error).toMatchObject({
    code: 'UNKNOWN_FEATURE',
    message: expect.stringContaining('Did you mean "churn_model"?'),
  });
});
