import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { durationOf, timeOf } from '../../src/core/time.ts';
import type { AsOfView } from '../../src/offline/as-of-engine.ts';
import { createDuckDbAsOfEngine } from '../../src/offline/duckdb/as-of/duckdb-as-of-engine.ts';
import { createDuckDbWorld, type DuckDbWorld } from '../conformance/duckdb-world.ts';

const ROWS = 40;

let world: DuckDbWorld;
let views: readonly AsOfView[];

beforeAll(async () => {
  world = await createDuckDbWorld();
  await world.run(
    `COPY (SELECT i AS user_id, TIMESTAMP '2026-03-02' AS at FROM range(${ROWS}) r(i)) TO '${join(world.folder, 'spine.parquet')}' (FORMAT parquet)`,
  );
  const feature = { name: 'amount', type: 'float64', description: '' } as const;
  const shape = { joinKeys: [{ name: 'user_id', type: 'int64' }], features: [feature] } as const;
  const time = timeOf('2026-03-01T00:00:00Z');
  const path = await world.writeFeatures(
    shape,
    Array.from({ length: ROWS }, (_, i) => ({
      ...{ key: [BigInt(i)], eventTime: time, createdTime: time, intervalEnd: time, values: [i] },
    })),
  );
  views = ['first', 'second', 'third'].map((view) => ({
    ...{ view, version: 1, joinKeys: shape.joinKeys, spineColumns: ['user_id'], ttl: null },
    features: [{ feature, output: `${view}_amount` }],
    dataDelay: durationOf('0s'),
    slices: [{ path, revision: 0 }],
  }));
});
afterAll(() => world.close());

/** How many files of views and parts were whole each time that memory was given back. */
async function filesThen(name: string, rowsPerPart?: number): Promise<readonly number[]> {
  const path = join(world.folder, `${name}.parquet`);
  const parts = join(world.folder, `${name}-parts`);
  const then: number[] = [];
  const db = {
    ...world.db,
    async giveMemoryBack() {
      const pieces = readdirSync(world.folder).filter((file) => file.startsWith(`${name}.parquet.`));
      const files = [...pieces.map((folder) => join(world.folder, folder)), parts]
        .filter((folder) => existsSync(folder))
        .flatMap((folder) => readdirSync(folder));
      then.push(files.filter((file) => file !== '__spine.parquet').length);
      await world.db.giveMemoryBack();
    },
  };
  const engine = createDuckDbAsOfEngine(db, {
    ...{ offlineRoot: join(world.folder, 'offline'), baseDir: world.folder },
    ...(rowsPerPart !== undefined && { rowsPerPart }),
  });
  await engine.join({
    spine: { kind: 'parquet', path: join(world.folder, 'spine.parquet'), timestampField: 'at' },
    knownAt: { kind: 'any' },
    ...{ views, path },
    ...(rowsPerPart !== undefined && { workFolder: parts }),
  });
  return then;
}

test('a join of several views gives the memory of each back before the next begins', async () => {
  expect(await filesThen('views')).toEqual([1, 2, 3]);
});

test('a join in parts gives the memory of each part back, too', async () => {
  // 80 rows of each view in parts of 40: two files of parts, then the view's own.
  expect(await filesThen('in-parts', 40)).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9]);
});
