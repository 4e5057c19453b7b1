import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { durationOf } from '../../src/core/time.ts';
import { createDuckDbTableArranger } from '../../src/offline/duckdb/tables/duckdb-table-arranger.ts';
import type { TableLayout } from '../../src/offline/table-arranger.ts';
import { createDuckDbWorld, type DuckDbWorld } from '../conformance/duckdb-world.ts';

let world: DuckDbWorld;
beforeAll(async () => {
  world = await createDuckDbWorld();
});
afterAll(() => world.close());

/** More than a row group holds, also in the larger part of a split. */
const ROWS = 150_000;

const LAYOUTS: Readonly<Record<string, Partial<TableLayout>>> = {
  csv: { format: 'csv' },
  times: { format: 'csv' },
  arrow: { format: 'arrow' },
  split: { split: { kind: 'time', shares: [90, 10] } },
};

test('other bytes of a training set need another version of the engine, or `dataset verify` would say that old sets differ', async () => {
  const { folder, run, engine, db } = world;
  await run(
    `COPY (SELECT i % 500 AS user_id, TIMESTAMP '2026-03-01' + to_seconds(i // 500 * 600) AS __event_time, __event_time AS __created_time,
        __event_time AS __interval_end, (i * 7 % 1000)::DOUBLE / 8 AS v, 't' || i % 90 AS text FROM range(50000) t(i)) TO '${join(folder, 'offline', 'v.parquet')}' (FORMAT parquet)`,
  );
  const spine = join(folder, 'spine.parquet');
  await run(
    `COPY (SELECT i AS n, i * 31 % 500 AS user_id, TIMESTAMP '2026-03-01' + to_milliseconds(i * 400) AS at FROM range(${ROWS}) t(i)) TO '${spine}' (FORMAT parquet)`,
  );
  const view = (name: string) => ({
    view: name,
    version: 1,
    joinKeys: [{ name: 'user_id', type: 'int64' as const }],
    spineColumns: ['user_id'],
    features: (['v', 'text'] as const).map((feature) => ({
      feature: {
        name: feature,
        type: feature === 'v' ? ('float64' as const) : ('string' as const),
        description: '',
      },
      output: `${name}_${feature}`,
    })),
    ttl: durationOf('1h'),
    dataDelay: durationOf('1m'),
    slices: [{ path: 'v.parquet', revision: 0 }],
  });
  const digests: Record<string, readonly string[]> = {};
  for (const views of [['one'], ['one', 'two']]) {
    const path = join(folder, `${views.length}.parquet`);
    const { digest } = await engine.join({
      spine: { kind: 'parquet', path: spine, timestampField: 'at' },
      views: views.map(view),
      knownAt: { kind: 'any' },
      path,
    });
    digests[`views: ${views.length}`] = [digest.slice(0, 16)];
  }
  await run(
    `COPY (SELECT TIMESTAMPTZ '2026-03-01 01:00:00+01' AS at, [TIMESTAMP '2026-03-01', NULL] AS list, TIMESTAMP_NS '2026-03-01 00:00:00.000000001' AS nanos) TO '${join(folder, 'times.parquet')}' (FORMAT parquet)`,
  );
  for (const [name, layout] of Object.entries(LAYOUTS)) {
    await mkdir(join(folder, name));
    const files = await createDuckDbTableArranger(db).arrange({
      from: join(folder, name === 'times' ? 'times.parquet' : '1.parquet'),
      folder: join(folder, name),
      name: 'data',
      timestampField: 'at',
      layout: { format: 'parquet', rowsPerFile: null, split: null, ...layout },
    });
    digests[name] = files.map(({ digest }) => digest.slice(0, 16));
  }
  expect({ version: engine.version, ...digests }).toEqual({
    version: 'DuckDB v1.5.5, format 5',
    'views: 1': ['665fd9d9a9594340'],
    'views: 2': ['c41d7f0ea48b93c6'],
    csv: ['31e435e28b61a37b'],
    times: ['2ed42ef273f1ccdf'],
    arrow: ['71ff82ab7b2cf276'],
    split: ['e96a5dbec1c5200b', '41d003d3da97066b'],
  });
});
