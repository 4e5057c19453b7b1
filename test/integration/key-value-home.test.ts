import { mkdir, rename } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { durationOf, micros, timeOf } from '../../src/core/time.ts';
import type { RevisedSlice } from '../../src/offline/feature-reader.ts';
import { createDuckDbWorld, type DuckDbWorld } from '../conformance/duckdb-world.ts';

const START = timeOf('2026-03-01T00:00:00Z');
const HOUR = durationOf('1h');
const HOURS = 20;
const hour = (at: number) => micros(START + BigInt(at) * HOUR);

let world: DuckDbWorld;
let path: string;

/** A row an hour, of one user each, in a folder that a reader of key=value folders takes for users' own. */
beforeAll(async () => {
  world = await createDuckDbWorld();
  const written = await world.writeFeatures(
    { joinKeys: [{ name: 'user_id', type: 'int64' }], features: [AMOUNT] },
    Array.from({ length: HOURS }, (_, at) => {
      const times = { eventTime: hour(at), createdTime: hour(at), intervalEnd: hour(at + 1) };
      return { key: [BigInt(at)], ...times, values: [at / 2] };
    }),
  );
  path = join('user_id=7', written);
  await mkdir(join(world.folder, 'offline', 'user_id=7'));
  await rename(join(world.folder, 'offline', written), join(world.folder, 'offline', path));
});
afterAll(() => world.close());

const AMOUNT = { name: 'amount', type: 'float64', description: '' } as const;

test.each<[string, () => readonly RevisedSlice[]]>([
  ['a whole file', () => [{ path, revision: 0 }]],
  [
    'a file in many parts',
    () =>
      Array.from({ length: HOURS }, (_, at) => ({
        ...{ path, revision: at },
        range: { start: hour(at), end: hour(at + 1) },
      })),
  ],
])('of %s each column is its own, whatever the folders are called that it lies in', async (_, slices) => {
  const users = Array.from({ length: HOURS }, (_, at) => at);
  const spine = await world.writeSpine(
    { user_id: 'BIGINT', at: 'TIMESTAMP' },
    users.map((user) => [user, hour(HOURS)]),
  );
  const output = world.outputPath();
  await world.engine.join({
    ...{ spine, path: output, knownAt: { kind: 'any' } },
    views: [
      {
        ...{ view: 'spend', version: 1, ttl: null, dataDelay: durationOf('0s') },
        ...{ joinKeys: [{ name: 'user_id', type: 'int64' }], spineColumns: ['user_id'] },
        ...{ features: [{ feature: AMOUNT, output: 'amount' }], slices: slices() },
      },
    ],
  });
  expect((await world.read(output)).map(({ amount }) => amount)).toEqual(users.map((user) => user / 2));
});
