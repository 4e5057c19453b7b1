import { join } from 'node:path';
import fc from 'fast-check';
import { beforeEach, expect, test } from 'vitest';
import { asOf } from '../../src/core/as-of.ts';
import type { BatchViewSpec } from '../../src/core/feature-view.ts';
import type { FeatureRow } from '../../src/core/rows.ts';
import { durationOf, formatTime, type Micros, micros, timeOf } from '../../src/core/time.ts';
import { materializeRange } from '../../src/materialize/materialize-range.ts';
import { republish } from '../../src/materialize/republish.ts';
import { onlineTableOf } from '../../src/online/online-table.ts';
import { appliedBatchView, appliedManifest } from '../../src/registry/applied-manifest.ts';
import { createApp } from '../../src/server/app.ts';
import { checkParity } from '../../src/serving/check-parity.ts';
import { watchRegistry } from '../../src/serving/registry-watch.ts';
import { buildTrainingSet } from '../../src/training/build-training-set.ts';
import { verifyTrainingSet } from '../../src/training/verify-training-set.ts';
import { writeRows } from '../support/feature-repo.ts';
import { appliedProject, type TestProject } from '../support/project.ts';

const MINUTE = 60_000_000n;

/** A city of a user: minutes after the start from which, and (with microseconds beside them) until which. */
interface Address {
  readonly user: number;
  readonly since: number;
  /** Minutes, and microseconds more; null: to this day. */
  readonly until: readonly [number, number] | null;
  readonly city: string;
}

let project: TestProject;
let view: BatchViewSpec;
let start: bigint;

const address = (
  user: number,
  since: number,
  until: readonly [number, number] | number | null,
  city: string,
): Address => ({ user, since, until: typeof until === 'number' ? [until, 0] : until, city });
const minute = (n: number, more = 0): Micros => micros(start + BigInt(n) * MINUTE + BigInt(more));

async function source(addresses: readonly Address[]): Promise<void> {
  const at = (time: Micros) => `TIMESTAMP '${formatTime(time).replace('Z', '')}'`;
  const rows = addresses.map(
    ({ user, since, until, city }) =>
      `(${user}::BIGINT, ${at(minute(since))}, ${until === null ? 'NULL' : at(minute(...until))}, '${city}')`,
  );
  await writeRows(
    join(project.repo.dir, 'addresses.parquet'),
    `SELECT user_id, since, until::TIMESTAMP AS until, city FROM (VALUES ${rows.join(', ')}) t(user_id, since, until, city)`,
  );
}

async function deps() {
  const { platform, repo } = project;
  return {
    ...(await platform.offline()),
    registry: await platform.registry(),
    ledger: await platform.ledger(),
    online: await platform.online(),
    onDemand: repo.onDemand,
    clock: platform.clock,
    offlineRoot: platform.config.offline,
  };
}

async function run(fromHour: number, toHour: number, restate = false) {
  const range = { start: minute(fromHour * 60), end: minute(toHour * 60) };
  const lease = { owner: 'test', runId: 'test', leaseFor: durationOf('1m') };
  return await materializeRange({ project: project.name, view, range, restate, ...lease }, await deps());
}

/** What the server answers at a time: city and status by user. */
async function servedAt(now: Micros, users: readonly number[], includeExpired = false) {
  const { platform, name } = project;
  const registry = await watchRegistry({
    registry: await platform.registry(),
    project: name,
    clock: () => now,
  });
  const app = createApp({
    registry,
    online: await platform.online(),
    functions: new Map(),
    clock: () => now,
  });
  try {
    const { json } = await app.inject({
      method: 'POST',
      url: '/get-online-features',
      payload: JSON.stringify({
        features: ['address:city'],
        entities: { user_id: users },
        include_expired: includeExpired,
      }),
    });
    const [, city] = json().results;
    return { values: city.values as unknown[], statuses: city.statuses as string[] };
  } finally {
    await app.close();
    await registry.close();
  }
}

/** What a training set has for each user at each time. */
async function trainedAt(times: readonly Micros[], users: readonly number[]) {
  const rows = times.flatMap((time, t) =>
    users.map((user, u) => `(${t * users.length + u}, ${user}::BIGINT, make_timestamp(${time}))`),
  );
  const all = await deps();
  const set = await buildTrainingSet(
    {
      project: project.name,
      spine: {
        kind: 'query',
        query: `SELECT * FROM (VALUES ${rows.join(', ')}) t(row_id, user_id, "at") ORDER BY row_id`,
        timestampField: 'at',
      },
      features: { kind: 'references', references: ['address:city'] },
      knownAt: 'any',
      fullNames: false,
    },
    all,
  );
  const values: unknown[] = [];
  for await (const batch of all.tables.read(set.path, [{ name: 'city', type: 'string' }])) {
    values.push(...batch.map(([city]) => city));
  }
  return { set, byTime: times.map((_, t) => values.slice(t * users.length, (t + 1) * users.length)) };
}

async function parity() {
  const { platform, name, home } = project;
  const manifest = await appliedManifest(await platform.registry(), name);
  const [found] = await checkParity(manifest, { ...(await deps()), tempDir: home });
  return { differences: found?.differences, examples: found?.examples, keys: found?.keys };
}

beforeEach(async () => {
  project = await appliedProject({
    definitions: `
export const thisProject = project({ name: '<project>' });
export const user = entity({ name: 'user', joinKeys: { user_id: 'int64' } });
export const addresses = parquetSource({
  name: 'addresses', path: 'addresses.parquet', validFrom: 'since', validTo: 'until',
});
export const address = batchFeatureView({
  name: 'address', version: 1, entities: [user], source: addresses, features: { city: 'string' },
  schedule: '0 * * * *', startTime: '<start>',
});`,
    days: 1,
    data: {
      'addresses.parquet': `SELECT 1::BIGINT AS user_id, TIMESTAMP '<start>' AS since, NULL::TIMESTAMP AS until, 'x' AS city`,
    },
  });
  const target = { project: project.name, view: 'address', version: 1 };
  view = await appliedBatchView(await project.platform.registry(), target);
  start = timeOf(view.startTime);
});

test('training and serving give the same cities at the same instants, and none in the gaps', async () => {
  await source([
    // A gap of five minutes, with an instant before and after each edge.
    address(1, 10, 65, 'Oslo'),
    address(1, 70, null, 'Bergen'),
    // Away for an hour.
    address(2, 20, 125, 'Rome'),
    address(2, 190, [245, 1], 'Turin'),
    // Over before it was first published.
    address(3, 15, 40, 'Bonn'),
    address(3, 130, null, 'Ulm'),
    // What ended hides what was before it, even without an end of its own.
    address(4, 10, null, 'Lyon'),
    address(4, 130, 185, 'Nice'),
    // To the end of an interval.
    address(5, 30, 240, 'Kyiv'),
  ]);
  const users = [1, 2, 3, 4, 5, 6];
  const instants: Micros[] = [];
  const served: { values: unknown[]; statuses: string[] }[] = [];
  for (const hour of [1, 2, 3, 4]) {
    await run(hour - 1, hour);
    // Until the next row begins, nothing is known in training that is not served.
    for (const [more, micro] of [
      [0, 0],
      [4, 59_999_999],
      [5, 0],
      [5, 1],
      [5, 2],
      [9, 0],
    ] as const) {
      instants.push(minute(hour * 60 + more, micro));
      served.push(await servedAt(minute(hour * 60 + more, micro), users));
    }
  }
  const { set, byTime } = await trainedAt(instants, users);
  expect(byTime).toEqual(served.map(({ values }) => values));

  const citiesAt = (n: number, micro = 0) => served[instants.indexOf(minute(n, micro))];
  expect(citiesAt(64, 59_999_999)?.values).toEqual(['Oslo', 'Rome', null, 'Lyon', 'Kyiv', null]);
  expect(citiesAt(65)).toEqual({
    values: [null, 'Rome', null, 'Lyon', 'Kyiv', null],
    statuses: ['OUTSIDE_MAX_AGE', 'PRESENT', 'OUTSIDE_MAX_AGE', 'PRESENT', 'PRESENT', 'NOT_FOUND'],
  });
  expect(citiesAt(125)?.values).toEqual(['Bergen', null, null, 'Lyon', 'Kyiv', null]);
  expect(citiesAt(185)?.values).toEqual(['Bergen', null, 'Ulm', null, 'Kyiv', null]);
  expect(citiesAt(240)?.values).toEqual(['Bergen', 'Turin', 'Ulm', null, null, null]);
  expect(citiesAt(245)?.values).toEqual(['Bergen', 'Turin', 'Ulm', null, null, null]);
  expect(citiesAt(245, 1)?.values).toEqual(['Bergen', null, 'Ulm', null, null, null]);
  // Whoever asks for it gets what was true last, and is told that it is not any more.
  expect(await servedAt(minute(245, 1), users, true)).toEqual({
    values: ['Bergen', 'Turin', 'Ulm', 'Nice', 'Kyiv', null],
    statuses: ['PRESENT', 'OUTSIDE_MAX_AGE', 'PRESENT', 'OUTSIDE_MAX_AGE', 'OUTSIDE_MAX_AGE', 'NOT_FOUND'],
  });
  expect(await parity()).toEqual({ differences: 0, examples: [], keys: 5 });

  expect(set.manifest.contents.views).toMatchObject([{ view: 'address', validity: true }]);
  expect(await verifyTrainingSet(set.manifest, await deps())).toMatchObject({
    verdict: 'same',
    problems: [],
  });
});

test('histories of any shape are the same in training, in serving and by the rule', async () => {
  const history = fc.record({
    user: fc.integer({ min: 1, max: 25 }),
    // The first ten minutes of each hour are for asking.
    since: fc.tuple(fc.integer({ min: 0, max: 3 }), fc.integer({ min: 10, max: 59 })),
    lasts: fc.option(fc.tuple(fc.integer({ min: 0, max: 4 }), fc.integer({ min: -1, max: 1 }))),
    city: fc.constantFrom('Oslo', 'Rome', 'Bonn', 'Lyon', 'Kyiv', 'Ulm'),
  });
  const users = Array.from({ length: 26 }, (_, i) => i + 1);
  const seed = Date.now();
  const [drawn = []] = fc.sample(fc.array(history, { minLength: 60, maxLength: 60 }), { numRuns: 1, seed });
  const addresses = drawn.map(({ user, since: [hour, at], lasts, city }) =>
    // Ends are five minutes past an hour, or a microsecond beside.
    address(user, hour * 60 + at, lasts && [(hour + 1 + lasts[0]) * 60 + 5, lasts[1]], city),
  );
  // Which of two rows of one beginning counts is for another test.
  const distinct = addresses.filter(
    (one, i) => addresses.findIndex(({ user, since }) => user === one.user && since === one.since) === i,
  );
  await source(distinct);
  const instants: Micros[] = [];
  const served: unknown[][] = [];
  for (const hour of [1, 2, 3, 4]) {
    await run(hour - 1, hour);
    for (const micro of [-1, 0, 1]) {
      instants.push(minute(hour * 60 + 5, micro));
      served.push((await servedAt(minute(hour * 60 + 5, micro), users)).values);
    }
  }
  const rows = distinct.map(
    ({ user, since, until, city }): FeatureRow => ({
      key: [BigInt(user)],
      eventTime: minute(since),
      createdTime: minute(since),
      revision: 0,
      values: [city],
      validTo: until && minute(...until),
    }),
  );
  const spine = instants.flatMap((time) => users.map((user) => ({ key: [BigInt(user)], time })));
  const rules = { ttl: null, dataDelay: durationOf('0s'), knownAt: { kind: 'any' } } as const;
  const expected = asOf(spine, rows, rules).map((row) => row?.values[0] ?? null);
  expect(served.flat(), `seed ${seed}`).toEqual(expected);
  expect((await trainedAt(instants, users)).byTime.flat(), `seed ${seed}`).toEqual(expected);
  // The draw is worth something: some cities are past, and some not.
  expect(new Set(expected).size).toBeGreaterThan(2);
});

test('a row that is closed after it was computed is found by restating, in training and serving at once', async () => {
  await source([address(1, 10, null, 'Oslo'), address(2, 20, null, 'Rome')]);
  await run(0, 1);
  await run(1, 2);
  await source([address(1, 10, 50, 'Oslo'), address(2, 20, null, 'Rome')]);
  const at = minute(120);
  expect((await servedAt(at, [1, 2])).values).toEqual(['Oslo', 'Rome']);
  const { set: before } = await trainedAt([at], [1, 2]);
  expect(await parity()).toMatchObject({ differences: 0 });

  await run(0, 1, true);
  expect(await servedAt(at, [1, 2])).toEqual({
    values: [null, 'Rome'],
    statuses: ['OUTSIDE_MAX_AGE', 'PRESENT'],
  });
  const { set: after, byTime } = await trainedAt([at], [1, 2]);
  expect(byTime).toEqual([[null, 'Rome']]);
  expect(after.id).not.toBe(before.id);
  expect(await verifyTrainingSet(before.manifest, await deps())).toMatchObject({ verdict: 'same' });
  expect(await parity()).toMatchObject({ differences: 0 });

  // What the store has lost comes back with its end.
  const { reader, ledger, online, clock } = await deps();
  expect(await online.drop(onlineTableOf(project.name, view))).toBe(2);
  await republish({ project: project.name, view }, { reader, ledger, online, clock });
  expect((await servedAt(at, [1, 2])).statuses).toEqual(['OUTSIDE_MAX_AGE', 'PRESENT']);

  // A row that is gone gives way to the one before it, with that one's end.
  await source([address(1, 10, 50, 'Oslo'), address(1, 70, null, 'Bergen'), address(2, 20, null, 'Rome')]);
  await run(1, 2, true);
  expect((await servedAt(at, [1, 2])).values).toEqual(['Bergen', 'Rome']);
  await source([address(1, 10, 50, 'Oslo'), address(2, 20, null, 'Rome')]);
  await run(1, 2, true);
  expect((await servedAt(at, [1, 2])).statuses).toEqual(['OUTSIDE_MAX_AGE', 'PRESENT']);
  expect((await servedAt(at, [1], true)).values).toEqual(['Oslo']);
  expect(await parity()).toMatchObject({ differences: 0 });
});

test('a row that is never true fails its interval, and what was good stays', async () => {
  await source([address(1, 10, null, 'Oslo')]);
  await run(0, 1);
  await source([address(1, 10, null, 'Oslo'), address(1, 70, 70, 'Bergen'), address(2, 80, [79, 0], 'Rome')]);
  await expect(run(1, 2)).rejects.toMatchObject({
    code: 'SOURCE_SCHEMA_MISMATCH',
    message: `Cannot compute view "address@v1" for [${formatTime(minute(60))}, ${formatTime(minute(120))}): 2 rows of its source are never true, the first with "since" ${formatTime(minute(70))}: "until" is not later. Correct the source, or leave such rows out of it.`,
  });
  expect((await servedAt(minute(120), [1])).values).toEqual(['Oslo']);
  await source([address(1, 10, null, 'Oslo'), address(1, 70, [70, 1], 'Bergen')]);
  await run(1, 2);
  expect((await servedAt(minute(120), [1])).statuses).toEqual(['OUTSIDE_MAX_AGE']);
});
