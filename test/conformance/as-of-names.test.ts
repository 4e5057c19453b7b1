import { afterAll, beforeAll } from 'vitest';
import { describeAsOfNames } from './as-of-names.ts';
import { createDuckDbWorld, type DuckDbWorld } from './duckdb-world.ts';

let world: DuckDbWorld;
beforeAll(async () => {
  world = await createDuckDbWorld();
});
afterAll(() => world.close());

describeAsOfNames('DuckDB', () => world);
