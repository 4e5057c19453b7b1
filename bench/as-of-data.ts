import { readFileSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { DuckDBInstance } from '@duckdb/node-api';
import { readConfig } from '../src/config.ts';
import type { KnownAt } from '../src/core/as-of.ts';
import { durationOf, type Micros, micros, timeOf } from '../src/core/time.ts';
import type { ValueType } from '../src/core/value-type.ts';
import type { AsOfView } from '../src/offline/as-of-engine.ts';
import { type FileShape, writeFeatureFile } from '../src/offline/duckdb/feature-file.ts';
import type { Stopwatch, World } from './benchmark.ts';
import { dataFolder, inDuckDb, openPlatform, runSql, uniqueName } from './project.ts';

/** What the as-of benchmarks join: entity rows, and views of entities whose rows lie evenly in their files' time. */
export const START = timeOf('2026-01-01T00:00:00Z');
export const TTL = '7d';
export const DAY = 86_400_000_000n;

export interface FeatureData {
  readonly name: string;
  readonly key: string;
  readonly entities: number;
  readonly rows: number;
  readonly days: number;
  readonly files: number;
  /** When a row was written, as SQL of `event` and `i`. */
  readonly created: string;
  readonly features: readonly (readonly [name: string, type: ValueType, sql: string])[];
}

export const STEADY = 'event + INTERVAL 10 MINUTE';
export const LATE = 'event + to_seconds((hash(i, 5) % 7200)::BIGINT)';

export const SIX: FeatureData['features'] = [
  ['orders', 'int64', '(hash(i, 1) % 1000)::BIGINT'],
  ['spend', 'float64', '(hash(i, 2) % 1000000) / 100.0'],
  ['average', 'float64', '(hash(i, 3) % 1000000) / 1000.0'],
  ['shop', 'string', "'shop ' || hash(i, 4) % 500"],
  ['sessions', 'int32', '(hash(i, 8) % 50)::INTEGER'],
  ['rate', 'float64', '(hash(i, 9) % 1000) / 10.0::DOUBLE'],
];

/** As materialization writes them. */
export async function writeFeatures(world: World, data: FeatureData): Promise<void> {
  const { key, entities, rows, days, files, created, features } = data;
  const { offline } = readConfig(process.env);
  const step = (BigInt(days) * DAY) / BigInt(rows);
  const columns = features.map(([name, , sql]) => `${sql} AS ${name}`).join(', ');
  const shape: FileShape = {
    joinKeys: [{ name: key, type: 'int64' }],
    features: features.map(([name, type]) => ({ name, type, description: '' })),
  };
  await inDuckDb(world, async (connection) => {
    for (let k = 0; k < files; k++) {
      const [from, to] = [k, k + 1].map((at) => Math.ceil((at * rows) / files));
      const select = `SELECT (hash(i) % ${entities})::BIGINT AS ${key}, event AS __event_time, ${created} AS __created_time,
        date_trunc('hour', event) + INTERVAL 1 HOUR AS __interval_end, ${columns}
        FROM (SELECT i, make_timestamp(${START}) + to_microseconds(i * ${step}) AS event FROM range(${from}, ${to}) t(i))`;
      await writeFeatureFile(connection, shape, select, join(offline, featureFile(data, k)));
    }
  });
}

/** `n` counts them; one in eleven is of an entity that nothing is known of. Times lie in the days `from` to `to`. */
export async function writeSpine(
  world: World,
  rows: number,
  keys: Readonly<Record<string, number>>,
  [from, to]: readonly [number, number],
): Promise<void> {
  await mkdir(dataFolder(world), { recursive: true });
  const columns = Object.entries(keys).map(
    ([key, entities], at) => `(hash(i, ${60 + at}) % ${Math.ceil(entities * 1.1)})::BIGINT AS ${key}`,
  );
  const begin = START + BigInt(from) * DAY;
  await runSql(world, [
    `COPY (SELECT i AS n, ${columns.join(', ')},
      make_timestamp(${begin}) + to_microseconds((hash(i, 7) % ${BigInt(to - from) * DAY})::BIGINT) AS "at", i % 2 AS label
      FROM range(${rows}) t(i)) TO '${spineFile(world)}' (FORMAT parquet)`,
  ]);
}

export function viewOf(data: FeatureData, prefix = ''): AsOfView {
  const step = (BigInt(data.days) * DAY) / BigInt(data.files);
  const startOf = (k: number): Micros => micros(START + BigInt(k) * step);
  return {
    view: data.name,
    version: 1,
    joinKeys: [{ name: data.key, type: 'int64' }],
    spineColumns: [data.key],
    features: data.features.map(([name, type]) => ({
      feature: { name, type, description: '' },
      output: `${prefix}${name}`,
    })),
    ttl: durationOf(TTL),
    dataDelay: durationOf('0s'),
    slices: Array.from({ length: data.files }, (_, k) => ({
      path: featureFile(data, k),
      range: { start: startOf(k), end: startOf(k + 1) },
      revision: 0,
    })),
  };
}

/** Joins the spine to views; `bytes` tells what was read for it. */
export async function joined(
  world: World,
  timed: Stopwatch,
  views: readonly AsOfView[],
  knownAt: KnownAt = { kind: 'any' },
): Promise<{ readonly path: string; readonly rows: number; readonly read: number }> {
  const platform = openPlatform(world.folder);
  const { asOf } = await platform.offline();
  const path = outputFile(world);
  const before = bytesRead();
  const result = await timed(() =>
    asOf.join({
      spine: { kind: 'parquet', path: spineFile(world), timestampField: 'at' },
      views,
      knownAt,
      path,
    }),
  );
  // What it wrote is read once more for its digest.
  const read = bytesRead() - before - result.bytes;
  await platform.close();
  return { path, rows: result.rows, read };
}

/** Runs one statement, `COPY … TO <out>`, in a DuckDB with the memory and threads that Tidemark has. */
export async function byHand(world: World, timed: Stopwatch, select: string): Promise<string> {
  const { duckdbMemory, duckdbThreads } = readConfig(process.env);
  const instance = await DuckDBInstance.create(':memory:', {
    memory_limit: duckdbMemory,
    threads: String(duckdbThreads),
    temp_directory: join(world.folder, uniqueName()),
  });
  const connection = await instance.connect();
  const path = outputFile(world);
  await timed(() => connection.run(`COPY (${select}) TO '${path}' (FORMAT parquet, COMPRESSION zstd)`));
  connection.closeSync();
  instance.closeSync();
  return path;
}

/** A plain ASOF JOIN with the files of one view: no ties, TTL or known-at are looked after. */
export function plainAsOf(world: World, data: FeatureData, more = ''): string {
  const { offline } = readConfig(process.env);
  const files = Array.from({ length: data.files }, (_, k) => `'${join(offline, featureFile(data, k))}'`);
  const values = data.features.map(([name]) => `f.${name}`).join(', ');
  return `SELECT s.*, ${values} FROM read_parquet('${spineFile(world)}') s
    ASOF LEFT JOIN read_parquet([${files.join(', ')}]) f ON s.${data.key} = f.${data.key} AND s."at" >= f.__event_time${more}`;
}

/** Below the offline root. */
function featureFile({ name }: FeatureData, k: number): string {
  return `${name}-${k}.parquet`;
}

export function spineFile(world: World): string {
  return join(dataFolder(world), 'spine.parquet');
}

function outputFile(world: World): string {
  return join(world.folder, `${uniqueName()}.parquet`);
}

/** What this process has read from files, whether they were cached or not; NaN where that cannot be told. */
function bytesRead(): number {
  try {
    return Number(/^rchar: (\d+)$/m.exec(readFileSync('/proc/self/io', 'utf8'))?.[1]);
  } catch {
    return Number.NaN;
  }
}
