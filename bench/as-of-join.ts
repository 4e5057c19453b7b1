import type { KnownAt } from '../src/core/as-of.ts';
import {
  byHand,
  type FeatureData,
  joined,
  LATE,
  plainAsOf,
  SIX,
  STEADY,
  TTL,
  viewOf,
  writeFeatures,
  writeSpine,
} from './as-of-data.ts';
import type { Benchmark, Case, Outcome, World } from './benchmark.ts';
import { runSql } from './project.ts';

/**
 * Entity rows joined to the files of one view as of their times, against a plain ASOF JOIN written by hand in DuckDB on
 * the same files with the same memory and threads. The plain one looks after no ties, TTL or late rows, checks, counts
 * and digests nothing, and loses the order of the entity rows.
 */
const SIZES = {
  tiny: { spine: 1_000, features: 5_000, entities: 100 },
  default: { spine: 200_000, features: 2_000_000, entities: 20_000 },
  large: { spine: 1_000_000, features: 10_000_000, entities: 100_000 },
} as const;

const DAYS = 32;

export const asOfJoin: Benchmark = {
  title: 'as-of join',
  usesServers: false,
  areIndependent: true,
  async prepare(world) {
    const { spine, features, entities } = SIZES[world.size];
    for (const data of [steady(world), late(world)]) await writeFeatures(world, data);
    await writeSpine(world, spine, { user_id: entities }, [0, DAYS]);
    return (
      `${spine.toLocaleString('en-US')} entity rows, ${features.toLocaleString('en-US')} feature rows of ` +
      `${entities.toLocaleString('en-US')} entities in 8 files, ${SIX.length} features, TTL ${TTL}`
    );
  },
  cases: () => [
    tidemark('Tidemark', steady, { kind: 'any' }, 'plain'),
    tidemark('Tidemark, late rows', late, { kind: 'any' }, 'plain'),
    tidemark("Tidemark, late rows, known-at 'row'", late, { kind: 'row' }, 'plain'),
    plain('plain', ''),
    plain('plain, in order', ' ORDER BY s.n'),
  ],
};

/** In `steady` a row is written ten minutes after its time, in `late` up to two hours. */
function steady(world: World): FeatureData {
  const { features: rows, entities } = SIZES[world.size];
  return {
    name: 'steady',
    key: 'user_id',
    entities,
    rows,
    days: DAYS,
    files: 8,
    created: STEADY,
    features: SIX,
  };
}

function late(world: World): FeatureData {
  return { ...steady(world), name: 'late', created: LATE };
}

function tidemark(
  name: string,
  data: (world: World) => FeatureData,
  knownAt: KnownAt,
  against: string,
): Case {
  return {
    name,
    against,
    async run(world, timed): Promise<Outcome> {
      const { path, rows } = await joined(world, timed, [viewOf(data(world))], knownAt);
      if (rows !== SIZES[world.size].spine) throw new Error(`${rows} rows came out`);
      return {
        done: doneIn(world),
        ...(knownAt.kind === 'any' && { answer: await answer(world, path) }),
      };
    },
  };
}

function plain(name: string, order: string): Case {
  return {
    name,
    run: async (world, timed) => ({
      done: doneIn(world),
      answer: await answer(world, await byHand(world, timed, plainAsOf(world, steady(world), order))),
    }),
  };
}

function doneIn(world: World): Outcome['done'] {
  const { spine, features } = SIZES[world.size];
  return { 'entity rows': spine, 'feature rows': features };
}

/** There are no ties, and no value is as old as the TTL: without looking after them the answer is the same. */
async function answer(world: World, path: string): Promise<string> {
  const columns = ['n', 'user_id', '"at"', 'label', ...SIX.map(([feature]) => feature)];
  const [[rows, sum, found] = []] = await runSql(world, [
    `SELECT count(*), sum(hash(${columns.join(', ')})::HUGEINT), count(spend) FROM read_parquet('${path}')`,
  ]);
  return `${rows} rows, ${found} found, checksum ${sum}`;
}
