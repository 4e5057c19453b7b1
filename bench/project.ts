import { randomBytes } from 'node:crypto';
import { mkdir, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { DuckDBConnection } from '@duckdb/node-api';
import { compose, type Platform } from '../src/compose.ts';
import { readConfig } from '../src/config.ts';
import type { BatchViewSpec } from '../src/core/feature-view.ts';
import type { Interval } from '../src/core/interval.ts';
import { batchViews, type Manifest } from '../src/core/manifest.ts';
import { formatTime, micros, systemClock, timeOf } from '../src/core/time.ts';
import { createDuckDb } from '../src/offline/duckdb/engine.ts';
import { compileRepo } from '../src/plan/compile.ts';
import { type LoadedRepo, loadRepo } from '../src/repo/load-repo.ts';
import type { World } from './benchmark.ts';

/** A project of one run alone: its own name, so its own ledger, files, keys and task queue. */
export interface BenchProject {
  readonly name: string;
  readonly platform: Platform;
  readonly repo: LoadedRepo;
  readonly manifest: Manifest;
  view(name: string): BatchViewSpec;
  /** Removes what it has online, and closes all connections. */
  close(): Promise<void>;
}

const TIDEMARK = new URL('../src/index.ts', import.meta.url).href;
const DAY = 86_400_000_000n;

/** `<project>` and `<data>` (a folder beside `definitions.ts`) stand for themselves in the definitions' text. */
export async function benchProject(world: World, definitions: string): Promise<BenchProject> {
  const name = uniqueName();
  const dir = join(world.folder, name);
  await mkdir(dir);
  await symlink(dataFolder(world), join(dir, 'data'));
  const text = definitions.replaceAll('<project>', name);
  await writeFile(join(dir, 'definitions.ts'), `import * as t from '${TIDEMARK}';\n${text}`);
  const platform = openPlatform(dir);
  const repo = await loadRepo(dir);
  const { sources } = await platform.offline();
  const manifest = await compileRepo(repo, { sourceReader: sources, now: platform.clock() });
  const views = batchViews(manifest);
  return {
    name,
    platform,
    repo,
    manifest,
    view(wanted) {
      const found = views.find((view) => view.name === wanted);
      if (found === undefined) throw new Error(`there is no view "${wanted}"`);
      return found;
    },
    close: () => platform.close(),
  };
}

/** On the servers of this process' environment; those that are not given there cannot be used. */
export function openPlatform(baseDir: string): Platform {
  const config = readConfig(process.env);
  const { databaseUrl, redisUrl, temporalAddress } = config;
  const addresses = {
    databaseUrl: databaseUrl ?? '',
    redisUrl: redisUrl ?? '',
    temporalAddress: temporalAddress ?? '',
  };
  return compose({ config, addresses, baseDir });
}

export function uniqueName(): string {
  return `bench_${randomBytes(5).toString('hex')}`;
}

/** The last whole days, UTC. */
export function lastDays(days: number): Interval & { readonly startText: string; readonly endText: string } {
  const now = systemClock();
  const end = micros(now - (now % DAY));
  const startText = formatTime(micros(end - BigInt(days) * DAY));
  return { start: timeOf(startText), end, startText, endText: formatTime(end) };
}

export function dataFolder({ folder }: World): string {
  return join(folder, 'data');
}

/** Runs statements one after another in an engine of its own; returns the last one's rows. */
export function runSql(world: World, statements: readonly string[]): Promise<readonly unknown[][]> {
  return inDuckDb(world, async (connection) => {
    let rows: readonly unknown[][] = [];
    for (const statement of statements) rows = (await connection.runAndReadAll(statement)).getRows();
    return rows;
  });
}

export async function inDuckDb<T>(
  world: World,
  use: (connection: DuckDBConnection) => Promise<T>,
): Promise<T> {
  const engine = await createDuckDb({ memory: '4GB', threads: 2, tempDir: join(world.folder, 'tmp') });
  try {
    return await engine.withConnection(use);
  } finally {
    await engine.close();
  }
}
