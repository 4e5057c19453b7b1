import {
  byHand,
  type FeatureData,
  joined,
  LATE,
  plainAsOf,
  SIX,
  STEADY,
  spineFile,
  TTL,
  viewOf,
  writeFeatures,
  writeSpine,
} from './as-of-data.ts';
import type { Benchmark, Case, World } from './benchmark.ts';
import { runSql } from './project.ts';

/** As many entity rows as feature rows: sorted with their values they take more than 2 GB, and less than 8 GB. */
const SIZES = {
  tiny: { rows: 2_000, entities: 100 },
  default: { rows: 1_000_000, entities: 20_000 },
  large: { rows: 10_000_000, entities: 100_000 },
} as const;

const DAYS = 32;
const KEYS = ['user_id', 'shop_id', 'device_id'];

export const asOfMemory: Benchmark = {
  title: 'as-of join, as many entity rows as feature rows',
  usesServers: false,
  areIndependent: true,
  async prepare(world) {
    for (const data of [one(world), late(world)]) await writeFeatures(world, data);
    return `${await prepareSpine(world)} of one view`;
  },
  cases: () => [
    ...['8 GB', '2 GB'].flatMap((memory) =>
      [
        tidemark(`Tidemark, ${memory}`, (world) => [one(world)], `plain, ${memory}`),
        tidemark(`Tidemark, late rows, ${memory}`, (world) => [late(world)], `plain, ${memory}`),
        plain(`plain, ${memory}`, (world) => plainAsOf(world, one(world))),
        plain(`plain, in order, ${memory}`, (world) => plainAsOf(world, one(world), ' ORDER BY s.n')),
      ].map((one) => withMemory(memory, one)),
    ),
  ],
};

/** Apart, because what follows the plain join of three views, which takes most memory, is slower than it is. */
export const asOfViews: Benchmark = {
  title: 'as-of join of three views, as many entity rows as feature rows',
  usesServers: false,
  areIndependent: true,
  async prepare(world) {
    for (const data of views(world)) await writeFeatures(world, data);
    return `${await prepareSpine(world)} in each of 3 views of other entities`;
  },
  cases: () => [
    tidemark('Tidemark, three views', views, 'plain, three views'),
    plain('plain, three views', threeByHand),
  ],
};

async function prepareSpine(world: World): Promise<string> {
  const { rows, entities } = SIZES[world.size];
  await writeSpine(world, rows, Object.fromEntries(KEYS.map((key) => [key, entities])), [0, DAYS]);
  const text = rows.toLocaleString('en-US');
  return `${text} entity rows, ${SIX.length} features, TTL ${TTL}, ${text} feature rows`;
}

function views(world: World): readonly FeatureData[] {
  const { rows, entities } = SIZES[world.size];
  return KEYS.map((key) => ({
    ...{ name: `by_${key}`, key, entities, rows, days: DAYS, files: 8, created: STEADY },
    features: SIX,
  }));
}

function one(world: World): FeatureData {
  return views(world)[0] as FeatureData;
}

function late(world: World): FeatureData {
  return { ...one(world), name: 'late', created: LATE };
}

function tidemark(name: string, data: (world: World) => readonly FeatureData[], against: string): Case {
  return {
    name,
    against,
    async run(world, timed) {
      const wanted = data(world);
      const { path } = await joined(
        world,
        timed,
        wanted.map((each) => viewOf(each, wanted.length === 1 ? '' : `${each.key}_`)),
      );
      return { done: { 'entity rows': SIZES[world.size].rows }, answer: await entityRows(world, path) };
    },
  };
}

function plain(name: string, select: (world: World) => string): Case {
  return {
    name,
    async run(world, timed) {
      const path = await byHand(world, timed, select(world));
      return { done: { 'entity rows': SIZES[world.size].rows }, answer: await entityRows(world, path) };
    },
  };
}

/** Whatever DuckDB has otherwise; a case has a process of its own. */
function withMemory(memory: string, one: Case): Case {
  return {
    ...one,
    run(world, timed) {
      process.env.TIDEMARK_DUCKDB_MEMORY = memory.replace(' ', '');
      return one.run(world, timed);
    },
  };
}

/** One join after another in one query. */
function threeByHand(world: World): string {
  return views(world)
    .reduce(
      (spine, data) => {
        const values = data.features.map(([name]) => `${name} AS ${data.key}_${name}`).join(', ');
        return plainAsOf(world, data)
          .replace(`read_parquet('${spineFile(world)}')`, spine)
          .replace(/s\.\*, .*? FROM/s, `s.*, ${values} FROM`)
          .replace(/^SELECT.*$/s, (text) => `(${text})`);
      },
      `read_parquet('${spineFile(world)}')`,
    )
    .slice(1, -1);
}

/** That every entity row is there once; `as-of-join` compares values. */
async function entityRows(world: World, path: string): Promise<string> {
  const [[rows, sum] = []] = await runSql(world, [
    `SELECT count(*), sum(hash(n, user_id, "at", label)::HUGEINT) FROM read_parquet('${path}')`,
  ]);
  return `${rows} rows, checksum ${sum}`;
}
