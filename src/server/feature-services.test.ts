import { afterAll, expect, test } from 'vitest';
import { SERVED_PROJECT as project, servedApp } from '../../test/support/served-app.ts';
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

test('one that is not there is 404, with the name that was meant', async () => {
  const response = await app.inject({ url: '/feature-services/churn_modle' });
  expect(response.statusCode).toBe(404);
  expect(response.json().error).toMatchObject({
    code: 'UNKNOWN_FEATURE',
    message: expect.stringContaining('Did you mean "churn_model"?'),
  });
});
