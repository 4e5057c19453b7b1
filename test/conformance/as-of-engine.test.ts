import { afterAll, beforeAll } from 'vitest';
import { describeAsOfEngine } from './as-of-engine.ts';
import { createDuckDbWorld, type DuckDbWorld } from './duckdb-world.ts';

let world: DuckDbWorld;
beforeAll(async () => {
  world = await createDuckDbWorld();
});
afterAll(() => world.close());

describeAsOfEngine('DuckDB', () => world, 90);
