import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { durationOf } from '../../src/core/time.ts';
import { createDuckDbWorld, type DuckDbWorld } from '../conformance/duckdb-world.ts';

let world: DuckDbWorld;
beforeAll(async () => {
  world = await createDuckDbWorld();
});
afterAll(() => world.close());

const ROWS = 300_000;

const SPINE = `SELECT i AS n, i % 1000 AS user_id, TIMESTAMP '2026-03-01' + to_seconds(i) AS at`;

/** Views joined to the same entity rows, in groups of this many, which need not be whole vectors of the engine's. */
async function joined(rowsPerGroup: number, threads: number) {
  const name = `spine-${rowsPerGroup}`;
  const spine = join(world.folder, `${name}.parquet`);
  // What is read from several files comes in pieces of any size, and is written so.
  for (let from = 0; from < ROWS; from += rowsPerGroup)
    await world.run(
      `COPY (${SPINE} FROM range(${from}, ${Math.min(from + rowsPerGroup, ROWS)}) t(i)) TO '${join(world.folder, `${name}-${String(from).padStart(6, '0')}.parquet`)}' (FORMAT parquet)`,
    );
  await world.run(
    `COPY (FROM read_parquet('${join(world.folder, `${name}-*.parquet`)}')) TO '${spine}' (FORMAT parquet)`,
  );
  await world.run(`SET threads = ${threads}`);
  const view = (name: string, slices: readonly { readonly path: string; readonly revision: number }[]) => ({
    view: name,
    version: 1,
    joinKeys: [{ name: 'user_id', type: 'int64' as const }],
    spineColumns: ['user_id'],
    features: [{ feature: { name: 'v', type: 'float64' as const, description: '' }, output: name }],
    ttl: null,
    dataDelay: durationOf('0s'),
    slices,
  });
  return await world.engine.join({
    spine: { kind: 'parquet', path: spine, timestampField: 'at' },
    views: [
      view('a', [{ path: 'v.parquet', revision: 0 }]),
      view('b', [{ path: 'v.parquet', revision: 0 }]),
      view('none', []),
    ],
    knownAt: { kind: 'any' },
    path: join(world.folder, `set-${name}-${threads}.parquet`),
    workFolder: join(world.folder, 'parts'),
  });
}

test.each([
  [100_000, 2],
  [130_001, 1],
  [70_000, 4],
])(
  'entity rows of a file in groups of %i rows give the bytes that others give, with %i threads',
  async (rowsPerGroup, threads) => {
    await world.run(
      `COPY (SELECT i AS user_id, TIMESTAMP '2026-03-01' AS __event_time, __event_time AS __created_time, __event_time AS __interval_end, i::DOUBLE AS v FROM range(900) t(i)) TO '${join(world.folder, 'offline', 'v.parquet')}' (FORMAT parquet)`,
    );
    const { digest } = await joined(122_880, 2);
    expect((await joined(rowsPerGroup, threads)).digest).toBe(digest);
  },
);
