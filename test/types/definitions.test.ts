import { expectTypeOf, test } from 'vitest';
import {
  avg,
  batchFeatureView,
  collectList,
  count,
  entity,
  featureService,
  onDemandFeatureView,
  parquetSource,
  postgresSource,
  ratio,
  requestSource,
  sum,
  trainingSetSchedule,
} from '../../src/index.ts';

const user = entity({ name: 'user', joinKeys: { user_id: 'int64' } });
const events = parquetSource({ name: 'events', path: 'events/*.parquet', timestampField: 'at' });
const spend = batchFeatureView({
  name: 'spend',
  version: 1,
  entities: [user],
  source: events,
  schedule: '0 * * * *',
  startTime: '2026-01-01T00:00:00Z',
  aggregations: {
    orders_7d: count('7d'),
    total_spend_7d: sum('amount', '7d'),
    items_7d: sum('items', '7d', { type: 'int64' }),
    avg_spend_7d: avg('amount', '7d'),
    last_amounts: collectList<'array<float64>'>('amount', 5, '30d'),
    share: ratio(count('7d', { where: 'amount > 10' }), count('7d')),
  },
});

test('a transform sees the features of its views, perhaps null, and its request fields, never null', () => {
  const view = onDemandFeatureView({
    name: 'spend_ratio',
    inputs: { activity: spend, request: requestSource({ amount: 'float64' }) },
    features: { ratio: 'float64' },
    transform: ({ activity, request }) => {
      expectTypeOf(activity.total_spend_7d).toEqualTypeOf<number | null>();
      expectTypeOf(activity.items_7d).toEqualTypeOf<bigint | null>();
      expectTypeOf(activity.orders_7d).toEqualTypeOf<bigint | null>();
      expectTypeOf(activity.share).toEqualTypeOf<number | null>();
      expectTypeOf(activity.last_amounts).toEqualTypeOf<readonly (number | null)[] | null>();
      expectTypeOf(request.amount).toEqualTypeOf<number>();
      // @ts-expect-error a feature that the view does not have
      void activity.nothing;
      return { ratio: request.amount / (activity.total_spend_7d || 1) };
    },
  });
  // @ts-expect-error a feature that the view does not have
  view.pick('nothing');
});

test('a source tells its times in one of two forms', () => {
  parquetSource({ name: 'addresses', path: 'addresses.parquet', validFrom: 'since', validTo: 'until' });
  // @ts-expect-error both forms at once
  parquetSource({ name: 'a', path: 'a.parquet', timestampField: 'at', validTo: 'until' });
  // @ts-expect-error an end without a beginning
  parquetSource({ name: 'a', path: 'a.parquet', validTo: 'until' });
  // @ts-expect-error a beginning without an end
  postgresSource({ name: 'a', urlEnv: 'WAREHOUSE_URL', table: 'a', validFrom: 'since' });
});

test('a service completes and checks the names it picks', () => {
  featureService({ name: 'model', features: [spend, spend.pick('orders_7d')] });
  // @ts-expect-error a feature that the view does not have
  spend.pick('nothing');
});

test('a transform that gives another type than it declares does not compile', () => {
  onDemandFeatureView({
    name: 'wrong',
    inputs: { activity: spend },
    features: { ratio: 'float64' },
    // @ts-expect-error a string for a float64
    transform: () => ({ ratio: 'high' }),
  });
});

test('a scheduled training set reads a service or features, and one kind of entity rows', () => {
  const service = featureService({ name: 'model', features: [spend] });
  const common = {
    name: 'daily',
    schedule: '0 6 * * *',
    spine: { last: '7d', timestampField: 'at' },
  } as const;
  trainingSetSchedule({ ...common, service, format: 'arrow', label: { column: 'label' } });
  trainingSetSchedule({ ...common, features: [spend.pick('orders_7d'), 'spend:share'] });
  trainingSetSchedule({ ...common, service, aliases: [{ view: spend, prefix: 'own_' }] });
  // @ts-expect-error: an alias has a prefix
  trainingSetSchedule({ ...common, service, aliases: [{ view: 'spend' }] });
  trainingSetSchedule({
    ...common,
    features: [spend],
    label: { view: spend, feature: 'share', horizon: '7d' },
    spine: { query: 'SELECT 1', urlEnv: 'WAREHOUSE_URL', timestampField: 'at' },
  });
  // @ts-expect-error neither a service nor features
  trainingSetSchedule(common);
  // @ts-expect-error no entity rows
  trainingSetSchedule({ ...common, service, spine: { timestampField: 'at' } });
  // @ts-expect-error no such format
  trainingSetSchedule({ ...common, service, format: 'xlsx' });
});
