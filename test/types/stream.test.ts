import { expectTypeOf, test } from 'vitest';
import {
  batchFeatureView,
  count,
  entity,
  featureService,
  onDemandFeatureView,
  pushSource,
  streamFeatureView,
} from '../../src/index.ts';

const user = entity({ name: 'user', joinKeys: { user_id: 'int64' } });
const clicks = pushSource({
  name: 'clicks',
  columns: { user_id: 'int64', amount: 'int32', page: 'string' },
  timestampField: 'event_timestamp',
});
const common = { version: 1, entities: [user], startTime: '2026-01-01T00:00:00Z' } as const;
const lastClick = streamFeatureView({
  name: 'last_click',
  ...common,
  source: clicks,
  features: { amount: 'float64', page: 'string' },
});

test('the features of a stream view are columns of its source, with the types they are served as', () => {
  onDemandFeatureView({
    name: 'spent',
    inputs: { click: lastClick },
    features: { spent: 'bool' },
    transform: ({ click }) => {
      expectTypeOf(click.amount).toEqualTypeOf<number | null>();
      expectTypeOf(click.page).toEqualTypeOf<string | null>();
      // @ts-expect-error a feature that the view does not have
      void click.user_id;
      return { spent: click.amount !== null };
    },
  });
  featureService({ name: 'model', features: [lastClick, lastClick.pick('page')] });
  // @ts-expect-error a feature that the view does not have
  lastClick.pick('nothing');
  streamFeatureView({
    name: 'wrong',
    ...common,
    source: clicks,
    // @ts-expect-error a column that the source does not have
    features: { pages: 'string' },
  });
});

test('a push source declares its columns, and batch views read it like any other', () => {
  // @ts-expect-error without columns
  pushSource({ name: 'nothing', timestampField: 'event_timestamp' });
  batchFeatureView({
    name: 'clicks_a_day',
    ...common,
    schedule: '0 * * * *',
    source: clicks,
    aggregations: { clicks_1d: count('1d') },
  });
});
