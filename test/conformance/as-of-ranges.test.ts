import { afterAll, beforeAll } from 'vitest';
import { describeAsOfRanges } from './as-of-ranges.ts';
import { createDuckDbWorld, type DuckDbWorld } from './duckdb-world.ts';

let world: DuckDbWorld;
beforeAll(async () => {
  world = await createDuckDbWorld();
});
afterAll(() => world.close());

describeAsOfRanges('DuckDB', () => world, 40);
