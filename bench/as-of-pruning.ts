import {
  type FeatureData,
  joined,
  SIX,
  STEADY,
  TTL,
  viewOf,
  writeFeatures,
  writeSpine,
} from './as-of-data.ts';
import type { Benchmark, Case, World } from './benchmark.ts';

/** A week of entity rows over a year of files, a day each: read is that week, and the TTL before it. */
const SIZES = {
  tiny: { spine: 1_000, features: 40_000, entities: 100 },
  default: { spine: 100_000, features: 4_000_000, entities: 20_000 },
  large: { spine: 1_000_000, features: 40_000_000, entities: 100_000 },
} as const;

const DAYS = 365;
const WEEK = [200, 207] as const;

export const asOfPruning: Benchmark = {
  title: 'as-of join of a week',
  usesServers: false,
  async prepare(world) {
    const { spine, features, entities } = SIZES[world.size];
    await writeFeatures(world, year(world));
    await writeSpine(world, spine, { user_id: entities }, WEEK);
    return (
      `${spine.toLocaleString('en-US')} entity rows of one week, ${features.toLocaleString('en-US')} feature rows ` +
      `in ${DAYS} files of a day, ${SIX.length} features, TTL ${TTL}`
    );
  },
  cases: () => [
    tidemark('the year’s files', (world) => viewOf(year(world))),
    tidemark('the files of that week and the TTL alone', (world) => {
      const view = viewOf(year(world));
      return { ...view, slices: view.slices.slice(WEEK[0] - 7, WEEK[1]) };
    }),
    tidemark('the year’s files, without TTL', (world) => ({ ...viewOf(year(world)), ttl: null })),
  ],
};

function tidemark(name: string, view: (world: World) => ReturnType<typeof viewOf>): Case {
  return {
    name,
    async run(world, timed) {
      const { rows, read } = await joined(world, timed, [view(world)]);
      return { done: { 'entity rows': rows }, bytes: { read } };
    },
  };
}

function year(world: World): FeatureData {
  const { features: rows, entities } = SIZES[world.size];
  return {
    ...{ name: 'year', key: 'user_id', entities, rows, days: DAYS, files: DAYS, created: STEADY },
    features: SIX,
  };
}
