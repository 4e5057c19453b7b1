import fc from 'fast-check';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { decodeResponse } from '../../src/client/decode-response.ts';
import { encodeRequest } from '../../src/client/encode-request.ts';
import type { OnDemandViewSpec } from '../../src/core/feature-view.ts';
import type { OnDemandFunctions } from '../../src/core/on-demand.ts';
import { resolveFeatures } from '../../src/core/resolve-features.ts';
import type { Value } from '../../src/core/value-type.ts';
import type { OnlineStore } from '../../src/online/online-store.ts';
import { createRedisOnlineStore } from '../../src/online/redis/redis-online-store.ts';
import { createApp } from '../../src/server/app.ts';
import { onDemandColumns } from '../../src/training/compute-on-demand.ts';
import { columnOf } from '../../src/training/read-views.ts';
import { services, uniqueName } from '../support/services.ts';
import { activity, NOW, putOnline, servingManifest, servingSnapshot } from '../support/serving-project.ts';

/** An on-demand view over inputs of several types: what it gives in training and in serving, over random inputs. */
const project = uniqueName('equality');
const manifest = servingManifest(project);
const mixed: OnDemandViewSpec = {
  kind: 'on_demand_view',
  name: 'mixed',
  version: 1,
  description: '',
  owner: 'team@example.com',
  tags: {},
  inputs: [
    { kind: 'view', name: 'activity', view: 'activity', version: 1, features: activity.features },
    {
      kind: 'request',
      name: 'request',
      fields: [
        { name: 'amount', type: 'float64' },
        { name: 'order', type: 'int64' },
        { name: 'words', type: 'array<string>' },
      ],
    },
  ],
  features: [
    { name: 'share', type: 'float64', description: '' },
    { name: 'sum', type: 'int64', description: '' },
    { name: 'text', type: 'string', description: '' },
    { name: 'lengths', type: 'array<int32>', description: '' },
    { name: 'known', type: 'bool', description: '' },
  ],
  fingerprint: 'mixed',
};
const functions: OnDemandFunctions = new Map([
  [
    'mixed@v1',
    ({ activity, request }) => {
      const { sessions, spend, model } = activity as { sessions: bigint; spend: number; model: string };
      const { amount, order, words } = request as { amount: number; order: bigint; words: string[] };
      return {
        share: spend === null ? null : amount / spend,
        sum: BigInt.asIntN(64, (sessions ?? 0n) + order),
        text: model === null ? null : `${model}:${words.join('|')}`,
        lengths: words.map((word) => word.length),
        known: sessions !== null,
      };
    },
  ],
]);
const REFERENCES = ['activity:*', 'mixed:*'];

let online: OnlineStore;
let app: ReturnType<typeof createApp>;
const snapshot = {
  ...servingSnapshot(project),
  manifest: { ...manifest, views: [...manifest.views, mixed] },
};

beforeAll(async () => {
  online = await createRedisOnlineStore({ url: services().redisUrl, prefix: project, clock: () => NOW });
  app = createApp({
    registry: { current: () => snapshot, status: () => ({ readAt: NOW, error: null, revision: 1 }) },
    online,
    functions,
    clock: () => NOW,
  });
});
afterAll(async () => {
  await app?.close();
  await online?.close();
});

const int64 = fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n });
const row = fc.record({
  /** Undefined: nothing is stored for the entity. */
  stored: fc.option(
    fc.tuple(fc.option(int64), fc.option(fc.double()), fc.option(fc.string({ unit: 'grapheme' }))),
    { nil: undefined },
  ),
  amount: fc.double(),
  order: int64,
  words: fc.array(fc.string({ unit: 'grapheme' }), { maxLength: 4 }),
});

let nextUser = 0n;

test('an on-demand view gives the same in serving, through Redis and JSON, as in training', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(row, { minLength: 1, maxLength: 20 }), async (rows) => {
      const users = rows.map(() => nextUser++);
      await putOnline(
        online,
        project,
        activity,
        rows.flatMap(({ stored }, at) =>
          stored === undefined ? [] : [{ key: [users[at] ?? 0n], values: stored }],
        ),
      );
      const entities = rows.map(({ amount, order, words }, at) => ({
        user_id: users[at] ?? 0n,
        amount,
        order,
        words,
      }));
      const payload = encodeRequest({ features: REFERENCES, entities });
      const { statusCode, body } = await app.inject({ method: 'POST', url: '/get-online-features', payload });
      expect(statusCode, body).toBe(200);
      const served = decodeResponse(body, new Set(Object.keys(entities[0] ?? {})));
      expect(served.map(({ values }) => mixed.features.map(({ name }) => values[name]))).toEqual(
        rows.map(inTraining),
      );
    }),
    { numRuns: 60 },
  );
});

/** What a training set holds for a spine row that sees `stored`. */
function inTraining({ stored, amount, order, words }: typeof row extends fc.Arbitrary<infer T> ? T : never) {
  const resolved = resolveFeatures(
    snapshot.manifest,
    { kind: 'references', references: REFERENCES },
    { servingVersions: snapshot.servingVersions, fullNames: false },
  );
  const [computed] = onDemandColumns(resolved, functions);
  const values = new Map<string, Value>([
    ['amount', amount],
    ['order', order],
    ['words', words],
  ]);
  for (const [at, { name }] of (resolved.parts[0]?.features ?? []).entries()) {
    const position = activity.features.findIndex((feature) => feature.name === name);
    values.set(columnOf(resolved, 0, at), stored?.[position] ?? null);
  }
  return computed?.compute(
    computed.inputs.map(({ name }) => values.get(name) ?? null),
    0,
  );
}
