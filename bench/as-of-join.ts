import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { DuckDBInstance } from '@duckdb/node-api';
import { readConfig } from '../src/config.ts';
import type { KnownAt } from '../src/core/as-of.ts';
import { durationOf, type Micros, micros, timeOf } from '../src/core/time.ts';
import type { ValueType } from '../src/core/value-type.ts';
import type { Benchmark, Case, Outcome, Stopwatch, World } from './benchmark.ts';
import { dataFolder, openPlatform, runSql, uniqueName } from './project.ts';

/**
 * Entity rows joined to the files of one view as of their times, against the same join written by hand in DuckDB on
 * the same files with the same memory and threads. By hand, nothing is checked, counted or digested, late rows and
 * ties are not looked after, and (in the first one) the order of the entity rows is lost.
 */
const SIZES = {
  tiny: { spine: 1_000, features: 5_000, entities: 100 },
  default: { spine: 200_000, features: 2_000_000, entities: 20_000 },
  large: { spine: 1_000_000, features: 10_000_000, entities: 100_000 },
} as const;

const START = timeOf('2026-01-01T00:00:00Z');
const DAYS = 32;
const FILES = 8;
const TTL = '7d';
const FEATURES: readonly (readonly [string, ValueType])[] = [
  ['orders', 'int64'],
  ['spend', 'float64'],
  ['average', 'float64'],
  ['shop', 'string'],
];

export const asOfJoin: Benchmark = {
  title: 'as-of join',
  usesServers: false,
  prepare,
  cases: () => [
    tidemark('Tidemark', 'steady', { kind: 'any' }, 'by hand'),
    tidemark('Tidemark, late rows', 'late', { kind: 'any' }, 'by hand'),
    tidemark("Tidemark, late rows, known-at 'row'", 'late', { kind: 'row' }),
    byHand('by hand', ''),
    byHand('by hand, in order', ' ORDER BY s.n'),
  ],
};

/** Two copies of the features: in `steady` a row is written ten minutes after its time, in `late` up to two hours. */
async function prepare(world: World): Promise<string> {
  const { spine, features, entities } = SIZES[world.size];
  const { offline } = readConfig(process.env);
  await mkdir(dataFolder(world), { recursive: true });
  await mkdir(offline, { recursive: true });
  const from = `make_timestamp(${START})`;
  const span = BigInt(DAYS) * 86_400_000_000n;
  const row = (created: string) => `
    SELECT (hash(i) % ${entities})::BIGINT AS user_id, event AS __event_time, ${created} AS __created_time,
      date_trunc('hour', event) + INTERVAL 1 HOUR AS __interval_end,
      (hash(i, 1) % 1000)::BIGINT AS orders, (hash(i, 2) % 1000000) / 100.0 AS spend,
      (hash(i, 3) % 1000000) / 1000.0 AS average, 'shop ' || hash(i, 4) % 500 AS shop
    FROM (SELECT i, ${from} + to_microseconds(i * ${span / BigInt(features)}) AS event FROM range(<from>, <to>) t(i))
    ORDER BY event`;
  const files = Array.from({ length: FILES }, (_, k) => k).flatMap((k) =>
    Object.entries({
      steady: 'event + INTERVAL 10 MINUTE',
      late: 'event + to_seconds((hash(i, 5) % 7200)::BIGINT)',
    }).map(([kind, created]) => {
      const select = row(created)
        .replace('<from>', String(Math.ceil((k * features) / FILES)))
        .replace('<to>', String(Math.ceil(((k + 1) * features) / FILES)));
      return `COPY (${select}) TO '${join(offline, featureFile(kind, k))}' (FORMAT parquet, COMPRESSION zstd, ROW_GROUP_SIZE 61440)`;
    }),
  );
  // One in eleven is of an entity that nothing is known of.
  const entityRows = `
    SELECT i AS n, (hash(i, 6) % ${Math.ceil(entities * 1.1)})::BIGINT AS user_id,
      ${from} + to_microseconds((hash(i, 7) % ${span})::BIGINT) AS "at", i % 2 AS label
    FROM range(${spine}) t(i)`;
  await runSql(world, [...files, `COPY (${entityRows}) TO '${spineFile(world)}' (FORMAT parquet)`]);
  return (
    `${spine.toLocaleString('en-US')} entity rows, ${features.toLocaleString('en-US')} feature rows of ` +
    `${entities.toLocaleString('en-US')} entities in ${FILES} files, ${FEATURES.length} features, TTL ${TTL}`
  );
}

function tidemark(name: string, kind: string, knownAt: KnownAt, against?: string): Case {
  return {
    name,
    ...(against !== undefined && { against }),
    async run(world, timed) {
      const platform = openPlatform(world.folder);
      const { asOf } = await platform.offline();
      const path = outputFile(world);
      const step = (BigInt(DAYS) * 86_400_000_000n) / BigInt(FILES);
      const startOf = (k: number): Micros => micros(START + BigInt(k) * step);
      const result = await timed(() =>
        asOf.join({
          spine: { kind: 'parquet', path: spineFile(world), timestampField: 'at' },
          views: [
            {
              view: 'spend',
              version: 1,
              joinKeys: [{ name: 'user_id', type: 'int64' }],
              spineColumns: ['user_id'],
              features: FEATURES.map(([feature, type]) => ({
                feature: { name: feature, type, description: '' },
                output: feature,
              })),
              ttl: durationOf(TTL),
              dataDelay: durationOf('0s'),
              slices: Array.from({ length: FILES }, (_, k) => ({
                path: featureFile(kind, k),
                range: { start: startOf(k), end: startOf(k + 1) },
                revision: 0,
              })),
            },
          ],
          knownAt,
          path,
        }),
      );
      await platform.close();
      if (result.rows !== SIZES[world.size].spine) throw new Error(`${result.rows} rows came out`);
      return await outcome(world, path, knownAt.kind === 'any');
    },
  };
}

function byHand(name: string, order: string): Case {
  return {
    name,
    async run(world: World, timed: Stopwatch) {
      const instance = await DuckDBInstance.create(':memory:', {
        memory_limit: process.env.TIDEMARK_DUCKDB_MEMORY ?? '2GB',
        threads: process.env.TIDEMARK_DUCKDB_THREADS ?? '2',
        temp_directory: join(world.folder, uniqueName()),
      });
      const connection = await instance.connect();
      const path = outputFile(world);
      const { offline } = readConfig(process.env);
      const files = Array.from({ length: FILES }, (_, k) => `'${join(offline, featureFile('steady', k))}'`);
      const values = FEATURES.map(
        ([feature]) =>
          `CASE WHEN f.__event_time >= s."at" - INTERVAL 7 DAY THEN f.${feature} END AS ${feature}`,
      );
      await timed(() =>
        connection.run(
          `COPY (SELECT s.*, ${values.join(', ')} FROM read_parquet('${spineFile(world)}') s
           ASOF LEFT JOIN read_parquet([${files.join(', ')}]) f
           ON s.user_id = f.user_id AND s."at" >= f.__event_time${order})
           TO '${path}' (FORMAT parquet, COMPRESSION zstd)`,
        ),
      );
      connection.closeSync();
      instance.closeSync();
      return await outcome(world, path, true);
    },
  };
}

async function outcome(world: World, path: string, comparable: boolean): Promise<Outcome> {
  const { spine, features } = SIZES[world.size];
  const done = { 'entity rows': spine, 'feature rows': features };
  if (!comparable) return { done };
  const columns = ['n', 'user_id', '"at"', 'label', ...FEATURES.map(([feature]) => feature)];
  const [[rows, sum, found] = []] = await runSql(world, [
    `SELECT count(*), sum(hash(${columns.join(', ')})::HUGEINT), count(spend) FROM read_parquet('${path}')`,
  ]);
  return { done, answer: `${rows} rows, ${found} found, checksum ${sum}` };
}

/** Below the offline root. */
function featureFile(kind: string, k: number): string {
  return `${kind}-${k}.parquet`;
}

function spineFile(world: World): string {
  return join(dataFolder(world), 'spine.parquet');
}

function outputFile(world: World): string {
  return join(world.folder, `${uniqueName()}.parquet`);
}
