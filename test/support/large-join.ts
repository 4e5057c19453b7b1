import { join } from 'node:path';
import { durationOf } from '../../src/core/time.ts';
import type { AsOfResult } from '../../src/offline/as-of-engine.ts';
import { createDuckDbAsOfEngine } from '../../src/offline/duckdb/as-of/duckdb-as-of-engine.ts';
import { createDuckDb } from '../../src/offline/duckdb/engine.ts';

/** A large join, which is kept in parts as it goes. Run as a program it is made in the folder that it is given. */
export async function largeJoin(
  folder: string,
  onProgress?: (done: number) => void,
): Promise<AsOfResult & { readonly path: string }> {
  const db = await createDuckDb({ memory: '300MB', threads: 1, tempDir: join(folder, 'spill') });
  try {
    const engine = createDuckDbAsOfEngine(db, { offlineRoot: folder, baseDir: folder, rowsPerPart: 100_000 });
    const path = join(folder, 'data.parquet');
    const result = await engine.join({
      spine: { kind: 'parquet', path: join(folder, 'spine.parquet'), timestampField: 'at' },
      views: [
        {
          view: 'spend',
          version: 1,
          joinKeys: [{ name: 'user_id', type: 'int64' }],
          spineColumns: ['user_id'],
          features: [
            { feature: { name: 'amount', type: 'float64', description: '' }, output: 'amount' },
            { feature: { name: 'shop', type: 'string', description: '' }, output: 'shop' },
          ],
          ttl: durationOf('1d'),
          dataDelay: durationOf('0s'),
          slices: [{ path: 'spend.parquet', revision: 0 }],
        },
      ],
      knownAt: { kind: 'any' },
      path,
      workFolder: join(folder, 'parts'),
      onProgress: ({ rows }) => onProgress?.(rows?.done ?? 0),
    });
    return { ...result, path };
  } finally {
    await db.close();
  }
}

/** What it joins. */
export async function writeLargeJoin(folder: string): Promise<void> {
  const db = await createDuckDb({ memory: '300MB', threads: 2, tempDir: join(folder, 'spill') });
  const times = (seed: number) =>
    `TIMESTAMP '2026-03-01' + to_milliseconds((hash(i, ${seed}) % 1000000000)::BIGINT)`;
  await db.withConnection(async (connection) => {
    await connection.run(
      `COPY (SELECT i AS n, (hash(i) % 5000)::BIGINT AS user_id, ${times(1)} AS at FROM range(600000) t(i)) TO '${join(folder, 'spine.parquet')}' (FORMAT parquet)`,
    );
    await connection.run(
      `COPY (SELECT (hash(i, 3) % 4500)::BIGINT AS user_id, ${times(2)} AS __event_time, __event_time AS __created_time, __event_time AS __interval_end, i::DOUBLE AS amount, 'shop ' || i % 50 AS shop FROM range(600000) t(i)) TO '${join(folder, 'spend.parquet')}' (FORMAT parquet)`,
    );
  });
  await db.close();
}

const [program, folder] = process.argv.slice(1);
if (program === import.meta.filename && folder !== undefined) await largeJoin(folder);
