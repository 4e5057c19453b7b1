import { open } from 'node:fs/promises';
import { join } from 'node:path';
import type { EventRow } from '../src/core/rows.ts';
import type { PushSourceSpec } from '../src/core/source.ts';
import { durationOf, micros, systemClock } from '../src/core/time.ts';
import { createDuckDb } from '../src/offline/duckdb/engine.ts';
import { createDuckDbPushedRowsWriter } from '../src/offline/duckdb/pushed/duckdb-pushed-rows-writer.ts';
import type { PushedFiles } from '../src/push/pushed-files.ts';
import { createSegmentPushLog } from '../src/push/segments/segment-push-log.ts';
import type { Benchmark, Case, Size, World } from './benchmark.ts';

/**
 * Pushed rows made durable, by so many callers at once that each wait for their own rows, and made into files. A
 * plain loop of writes with a sync after each shows what the disk gives: callers share syncs, so that more of them
 * take little more time.
 */
const SOURCE: PushSourceSpec = {
  kind: 'push',
  project: 'bench',
  name: 'events',
  timestampField: 'at',
  createdTimestampField: null,
  columns: [
    { name: 'user_id', type: 'int64' },
    { name: 'page', type: 'string' },
    { name: 'seconds', type: 'float64' },
    { name: 'purchases', type: 'int32' },
    { name: 'is_mobile', type: 'bool' },
    { name: 'seen_at', type: 'timestamp' },
  ],
  description: '',
  owner: '',
  tags: {},
};

const REQUESTS: Readonly<Record<Size, number>> = { tiny: 50, default: 2_000, large: 20_000 };
const ROWS_TO_SEAL: Readonly<Record<Size, number>> = { tiny: 1_000, default: 500_000, large: 2_000_000 };

export const pushLog: Benchmark = {
  title: 'push log',
  usesServers: false,
  prepare: async ({ size }) => `${REQUESTS[size]} requests of 6 columns, ${ROWS_TO_SEAL[size]} rows to seal`,
  cases: () => [
    writing(),
    appending('one caller, 1 row a request', 1, 1, 'write and sync'),
    appending('64 callers, 1 row', 64, 1, 'write and sync'),
    appending('64 callers, 100 rows', 64, 100, 'write and sync'),
    sealing(),
  ],
};

function writing(): Case {
  return {
    name: 'write and sync',
    async run(world, timed) {
      const requests = REQUESTS[world.size];
      const line = Buffer.alloc(160, 'x');
      const handle = await open(join(world.folder, `plain-${process.pid}`), 'w');
      await timed(async () => {
        for (let at = 0; at < requests; at++) {
          await handle.write(line);
          await handle.datasync();
        }
      });
      await handle.close();
      return { done: { requests, rows: requests } };
    },
  };
}

function appending(name: string, callers: number, rows: number, against: string): Case {
  return {
    name,
    against,
    async run(world, timed) {
      const { log, close } = await openLog(world);
      const requests = REQUESTS[world.size];
      const batches = Array.from({ length: requests }, (_, at) => someRows(rows, at));
      let next = 0;
      const call = async () => {
        for (let at = next++; at < requests; at = next++) {
          await log.append({
            project: 'bench',
            source: 'events',
            receivedAt: systemClock(),
            rows: batches[at] ?? [],
          });
        }
      };
      await timed(() => Promise.all(Array.from({ length: callers }, call)));
      await close();
      return { done: { requests, rows: requests * rows } };
    },
  };
}

function sealing(): Case {
  return {
    name: 'made a file',
    async run(world, timed) {
      const { log, close } = await openLog(world);
      const rows = ROWS_TO_SEAL[world.size];
      for (let at = 0; at < rows; at += 1_000) {
        await log.append({
          project: 'bench',
          source: 'events',
          receivedAt: systemClock(),
          rows: someRows(1_000, at),
        });
      }
      await timed(() => log.seal());
      await close();
      return { done: { rows } };
    },
  };
}

async function openLog({ folder }: World) {
  const base = join(folder, `log-${process.pid}-${Date.now()}`);
  const engine = await createDuckDb({ memory: '1GB', threads: 2, tempDir: join(base, 'tmp') });
  const log = await createSegmentPushLog({
    folder: join(base, 'segments'),
    sourceOf: async () => SOURCE,
    clock: systemClock,
    log: (line) => console.error(line),
    files: forgetfulFiles(),
    writer: createDuckDbPushedRowsWriter(engine, { offlineRoot: join(base, 'offline') }),
    sealAfter: durationOf('1h'),
    sealBytes: 1024 ** 3,
  });
  return {
    log,
    async close() {
      await log.close();
      await engine.close();
    },
  };
}

/** Recording is a row in Postgres, once a file. */
function forgetfulFiles(): PushedFiles {
  return {
    record: async () => {},
    isRecorded: async () => false,
    files: async () => [],
    replace: async () => false,
    replaced: async () => [],
    removed: async () => {},
  };
}

function someRows(count: number, seed: number): readonly EventRow[] {
  const now = systemClock();
  return Array.from({ length: count }, (_, at) => ({
    eventTime: micros(now + BigInt(at)),
    createdTime: null,
    columns: {
      user_id: BigInt(seed * 7919 + at) * 1_000_003n,
      page: `page-${(seed + at) % 97}`,
      seconds: (seed + at) / 7,
      purchases: at % 5,
      is_mobile: at % 2 === 0,
      seen_at: now,
    },
  }));
}
