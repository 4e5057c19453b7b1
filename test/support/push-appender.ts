import { writeSync } from 'node:fs';
import { join } from 'node:path';
import type { PushSourceSpec } from '../../src/core/source.ts';
import { durationOf, micros, systemClock } from '../../src/core/time.ts';
import { createDuckDb } from '../../src/offline/duckdb/engine.ts';
import { createDuckDbPushedRowsWriter } from '../../src/offline/duckdb/pushed/duckdb-pushed-rows-writer.ts';
import { createPostgresPushedFiles } from '../../src/push/postgres/postgres-pushed-files.ts';
import { createSegmentPushLog } from '../../src/push/segments/segment-push-log.ts';
import { connectPostgres } from '../../src/registry/postgres/pool.ts';

/**
 * A process that appends batches until it is killed, from several callers at once, and tells of each on stdout:
 * `sent <batch>` before, then `kept <batch>` or `lost <batch>` as it was answered.
 */
export interface AppenderInput {
  readonly databaseUrl: string;
  readonly folder: string;
  readonly offlineRoot: string;
  readonly source: PushSourceSpec;
  /** Batches are numbered from here. */
  readonly from: number;
  readonly callers: number;
  readonly rows: number;
  readonly sealAfter: string;
}

const { databaseUrl, folder, offlineRoot, source, from, callers, rows, sealAfter } = JSON.parse(
  process.argv[2] ?? '',
) as AppenderInput;
const engine = await createDuckDb({ memory: '256MB', threads: 1, tempDir: join(offlineRoot, '..', 'tmp') });
const log = await createSegmentPushLog({
  folder,
  sourceOf: async () => source,
  clock: systemClock,
  log: () => {},
  files: createPostgresPushedFiles(connectPostgres(databaseUrl)),
  writer: createDuckDbPushedRowsWriter(engine, { offlineRoot }),
  sealAfter: durationOf(sealAfter),
});
const text = 'x'.repeat(200);
let next = from;

async function call(): Promise<never> {
  for (;;) {
    const batch = next++;
    writeSync(1, `sent ${batch}\n`);
    const batchRows = Array.from({ length: rows }, (_, row) => ({
      eventTime: micros(systemClock() + BigInt(row)),
      createdTime: null,
      columns: { batch, row, text },
    }));
    try {
      await log.append({
        project: source.project,
        source: source.name,
        receivedAt: systemClock(),
        rows: batchRows,
      });
      writeSync(1, `kept ${batch}\n`);
    } catch {
      writeSync(1, `lost ${batch}\n`);
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  }
}

await Promise.all(Array.from({ length: callers }, call));
