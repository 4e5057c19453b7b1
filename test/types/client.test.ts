import { expectTypeOf, test } from 'vitest';
import {
  avg,
  batchFeatureView,
  count,
  createClient,
  entity,
  featureService,
  onDemandFeatureView,
  parquetSource,
  requestSource,
  type Value,
} from '../../src/index.ts';

const user = entity({ name: 'user', joinKeys: { user_id: 'int64' } });
const events = parquetSource({ name: 'events', path: 'events/*.parquet', timestampField: 'at' });
const activity = batchFeatureView({
  name: 'activity',
  version: 1,
  entities: [user],
  source: events,
  schedule: '0 * * * *',
  startTime: '2026-01-01T00:00:00Z',
  aggregations: { sessions_7d: count('7d'), avg_session: avg('duration', '7d') },
});
const ratio = onDemandFeatureView({
  name: 'ratio',
  inputs: { activity, request: requestSource({ amount: 'float64' }) },
  features: { per_session: 'float64', label: 'string' },
  transform: ({ request }) => ({ per_session: request.amount, label: 'x' }),
});
const model = featureService({ name: 'model', features: [activity, ratio.pick('label')] });
const client = createClient({ baseUrl: 'http://127.0.0.1:1' });
const entities = [{ user_id: 1n }];

// Never called: only its types are looked at.
async function reads() {
  const [some] = await client.getOnlineFeatures({ view: activity, features: ['sessions_7d'], entities });
  const [all] = await client.getOnlineFeatures({ view: activity, entities });
  const [computed] = await client.getOnlineFeatures({ view: ratio, features: ['per_session'], entities });
  const [served] = await client.getOnlineFeatures({ service: model, entities });
  const [named] = await client.getOnlineFeatures({ features: ['activity:sessions_7d'], entities });
  // Without entities: of views without keys.
  await client.getOnlineFeatures({ service: model });
  return { some: some!, all: all!, computed: computed!, served: served!, named: named! };
}

test('values have the types that the definitions declare', () => {
  type Reads = Awaited<ReturnType<typeof reads>>;
  expectTypeOf<Reads['some']['values']>().toEqualTypeOf<{ readonly sessions_7d: bigint | null }>();
  expectTypeOf<Reads['all']['values']['avg_session']>().toEqualTypeOf<number | null>();
  expectTypeOf<Reads['computed']['values']['per_session']>().toEqualTypeOf<number | null>();
  expectTypeOf<Reads['served']['values']>().toEqualTypeOf<{
    readonly sessions_7d: bigint | null;
    readonly avg_session: number | null;
    readonly label: string | null;
  }>();
  expectTypeOf<Reads['named']['values']>().toEqualTypeOf<Readonly<Record<string, Value>>>();
});

test('a feature that the view does not have does not compile', () => {
  // @ts-expect-error a feature that the view does not have
  const read = () => client.getOnlineFeatures({ view: activity, features: ['nothing'], entities });
  const wrong = async () => {
    const [row] = await client.getOnlineFeatures({ view: activity, features: ['sessions_7d'], entities });
    // @ts-expect-error a feature that was not asked for
    return row?.values.avg_session;
  };
  expectTypeOf(read).toBeFunction();
  expectTypeOf(wrong).toBeFunction();
});
