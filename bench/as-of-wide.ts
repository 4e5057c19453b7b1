import type { AsOfView } from '../src/offline/as-of-engine.ts';
import { type FeatureData, joined, STEADY, TTL, viewOf, writeFeatures, writeSpine } from './as-of-data.ts';
import type { Benchmark, Case, World } from './benchmark.ts';

/** Many narrow features from many views: time should grow with the number of views, and not faster. */
const SIZES = {
  tiny: { spine: 1_000, features: 2_000, entities: 100 },
  default: { spine: 100_000, features: 200_000, entities: 10_000 },
  large: { spine: 1_000_000, features: 1_000_000, entities: 100_000 },
} as const;

const DAYS = 32;
const VIEWS = 10;
const FEATURES = 50;

export const asOfWide: Benchmark = {
  title: 'as-of join of many features',
  usesServers: false,
  async prepare(world) {
    const { spine, features, entities } = SIZES[world.size];
    for (const view of views(world)) await writeFeatures(world, view);
    await writeSpine(world, spine, { user_id: entities }, [0, DAYS]);
    return (
      `${spine.toLocaleString('en-US')} entity rows, ${VIEWS} views of ${FEATURES} features and ` +
      `${features.toLocaleString('en-US')} rows, TTL ${TTL}`
    );
  },
  cases: () => [1, 2, 5, VIEWS].map(tidemark),
};

function tidemark(count: number): Case {
  return {
    name: count === 1 ? '1 view' : `${count} views`,
    ...(count > 1 && { against: '1 view' }),
    async run(world, timed) {
      const wanted: readonly AsOfView[] = views(world)
        .slice(0, count)
        .map((data) => viewOf(data, `${data.name}_`));
      const { rows } = await joined(world, timed, wanted);
      // The ratio of these rates is 1 when time grows with the number of views.
      return { done: { 'entity rows × views': rows * count } };
    },
  };
}

function views(world: World): readonly FeatureData[] {
  const { features: rows, entities } = SIZES[world.size];
  return Array.from({ length: VIEWS }, (_, view) => ({
    ...{ name: `v${view}`, key: 'user_id', entities, rows, days: DAYS, files: 4, created: STEADY },
    features: Array.from({ length: FEATURES }, (__, at) => {
      const sql = `(hash(i, ${view * FEATURES + at}) % 1000)::DOUBLE`;
      return [`f${at}`, 'float64', sql] as const;
    }),
  }));
}
