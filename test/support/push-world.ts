import { mkdir, mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll } from 'vitest';
import type { EventRow } from '../../src/core/rows.ts';
import type { PushSourceSpec } from '../../src/core/source.ts';
import { type DurationMicros, durationOf, type Micros, systemClock } from '../../src/core/time.ts';
import type { Value } from '../../src/core/value-type.ts';
import { ledgerMigrations } from '../../src/ledger/postgres/migrations.ts';
import { createDuckDbPushedRowsWriter } from '../../src/offline/duckdb/pushed/duckdb-pushed-rows-writer.ts';
import type { FindPushedFiles } from '../../src/offline/duckdb/sources/pushed-source.ts';
import { pushMigrations } from '../../src/push/postgres/migrations.ts';
import { createPostgresPushedFiles } from '../../src/push/postgres/postgres-pushed-files.ts';
import { createPostgresUnreadableSegments } from '../../src/push/postgres/postgres-unreadable-segments.ts';
import type { PushedFiles } from '../../src/push/pushed-files.ts';
import type { SealDeps } from '../../src/push/segments/seal-segment.ts';
import { createSegmentPushLog, type SegmentPushLog } from '../../src/push/segments/segment-push-log.ts';
import type { UnreadableSegments } from '../../src/push/unreadable-segments.ts';
import { migrate } from '../../src/registry/postgres/migrate.ts';
import { connectPostgres } from '../../src/registry/postgres/pool.ts';
import { testEngine } from './feature-repo.ts';
import { testDatabase } from './services.ts';

export { pushSourceSpec } from './push-source-spec.ts';

const cleanups: (() => Promise<unknown>)[] = [];

afterAll(async () => {
  for (const cleanup of cleanups.splice(0).toReversed()) await cleanup();
});

export function pushedRow(eventTime: Micros, columns: Readonly<Record<string, Value>>): EventRow {
  return { eventTime, createdTime: null, columns };
}

export interface PushWorld extends SealDeps {
  /** Where segments are. */
  readonly folder: string;
  readonly offlineRoot: string;
  readonly databaseUrl: string;
  readonly files: PushedFiles;
  readonly find: FindPushedFiles;
  readonly unreadable: UnreadableSegments;
  /** Names of the segments that are there. */
  segments(): Promise<readonly string[]>;
  /** A log on the world's folder, closed with the test file. */
  open(options: {
    readonly source: PushSourceSpec;
    readonly sealAfter?: DurationMicros;
    readonly sealBytes?: number;
    readonly deps?: SealDeps;
  }): Promise<SegmentPushLog>;
}

/** Folders of their own, with the real database and the real engine. */
export async function pushWorld(): Promise<PushWorld> {
  const base = await mkdtemp(join(tmpdir(), 'tidemark-push-'));
  cleanups.push(() => rm(base, { recursive: true, force: true }));
  const folder = join(base, 'log');
  const offlineRoot = join(base, 'offline');
  await mkdir(offlineRoot, { recursive: true });
  const databaseUrl = await testDatabase('push');
  const pool = connectPostgres(databaseUrl);
  cleanups.push(() => pool.end());
  await migrate(pool, [ledgerMigrations, pushMigrations]);
  const files = createPostgresPushedFiles(pool);
  const unreadable = createPostgresUnreadableSegments(pool);
  const writer = createDuckDbPushedRowsWriter(await testEngine(), { offlineRoot });
  return {
    folder,
    offlineRoot,
    databaseUrl,
    files,
    writer,
    unreadable,
    async find(source, range) {
      const found = await files.files({ project: source.project, source: source.name }, range);
      return found.map(({ path }) => join(offlineRoot, path));
    },
    async segments() {
      const names = await readdir(folder, { recursive: true }).catch((): string[] => []);
      return names.filter((name) => name.endsWith('.segment')).toSorted();
    },
    async open({ source, sealAfter = durationOf('1h'), sealBytes, deps = { files, writer } }) {
      const log = await createSegmentPushLog({
        ...deps,
        folder,
        sourceOf: async () => source,
        clock: systemClock,
        log: () => {},
        unreadable,
        sealAfter,
        ...(sealBytes !== undefined && { sealBytes }),
      });
      cleanups.push(() => log.close());
      return log;
    },
  };
}
