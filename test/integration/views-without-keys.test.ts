import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { serveHere } from '../../src/cli/serve-here.ts';
import { runWorkerHere } from '../../src/cli/worker-here.ts';
import { createClient } from '../../src/client/client.ts';
import { addDuration, durationOf, formatTime, type Micros, timeOf } from '../../src/core/time.ts';
import type { RunningWorker } from '../../src/orchestrate/worker.ts';
import { appliedBatchView } from '../../src/registry/applied-manifest.ts';
import type { RunningServer } from '../../src/server/serve.ts';
import { checkParity } from '../../src/serving/check-parity.ts';
import { testEngine, writeRows } from '../support/feature-repo.ts';
import { materializeHere } from '../support/materialize-here.ts';
import { appliedProject, type TestProject } from '../support/project.ts';
import { tidemarkHere } from '../support/tidemark-here.ts';

/** A shop with an exchange rate every six hours, its traffic as a whole, and alerts that are pushed: no keys at all. */
const DEFINITIONS = `
export const thisProject = project({ name: '<project>' });
export const user = entity({ name: 'user', joinKeys: { user_id: 'int64' } });
export const quotes = parquetSource({
  name: 'quotes', path: 'quotes.parquet', timestampField: 'at', createdTimestampField: 'written_at',
});
export const orders = parquetSource({ name: 'orders', path: 'orders.parquet', timestampField: 'at' });
export const warnings = pushSource({ name: 'warnings', columns: { level: 'int32', said: 'string' }, timestampField: 'at' });
const common = { version: 1, schedule: '0 * * * *', startTime: '<start>' };
export const rates = batchFeatureView({
  name: 'rates', ...common, entities: [], source: quotes, features: { eur: 'float64' },
});
export const traffic = batchFeatureView({
  name: 'traffic', ...common, entities: [], source: orders,
  aggregations: { orders_6h: count('6h'), orders_9d: count('9d') },
});
export const biggest = batchFeatureView({
  name: 'biggest', ...common, entities: [], sources: [orders], timestampField: 'at', intervalsPerQuery: 1,
  features: { most: 'float64' },
  sql: 'SELECT max(amount) AS most, $interval_end AS "at" FROM orders WHERE "at" >= $interval_start AND "at" < $interval_end HAVING count(*) > 0',
});
export const calendar = parquetSource({ name: 'calendar', path: 'calendar.parquet', validFrom: 'begins', validTo: 'ends' });
export const holiday = batchFeatureView({
  name: 'holiday', ...common, entities: [], source: calendar, features: { holiday: 'string' },
});
export const lastWarning = streamFeatureView({
  name: 'last_warning', version: 1, entities: [], source: warnings, startTime: '<start>', ttl: '1h',
  features: { level: 'int64', said: 'string' },
});
export const spend = batchFeatureView({
  name: 'spend', ...common, entities: [user], source: orders, aggregations: { spent_9d: sum('amount', '9d') },
});
export const converted = onDemandFeatureView({
  name: 'converted', version: 1, inputs: { spend, rates }, features: { spent_eur: 'float64' },
  transform: ({ spend, rates }) => ({ spent_eur: spend.spent_9d === null || rates.eur === null ? null : spend.spent_9d * rates.eur }),
});
export const dear = onDemandFeatureView({
  name: 'dear', version: 1, inputs: { rates }, features: { dear: 'bool' },
  transform: ({ rates }) => ({ dear: rates.eur === null ? null : rates.eur > 1.05 }),
});
export const model = featureService({ name: 'model', features: [spend, rates, traffic, converted] });
export const world = featureService({ name: 'world', features: [rates, traffic.pick('orders_9d'), biggest, dear] });
`;

let project: TestProject;
let server: RunningServer;
let worker: RunningWorker;
let start: Micros;

const hour = (n: number): Micros => addDuration(start, durationOf(`${n}h`));
const sqlTime = (time: Micros) => `TIMESTAMP '${formatTime(time).replace('Z', '')}'`;

/** Rate number i of hour 6i is 1 + i/100; `rows` of them. */
const quotesOf = (first: string, rows: number) =>
  `SELECT ${first} + to_hours(i * 6) AS at, ${first} + to_hours(i * 6) + INTERVAL 5 MINUTE AS written_at, 1 + i / 100 AS eur FROM range(${rows}) t(i)`;

beforeAll(async () => {
  project = await appliedProject({
    definitions: DEFINITIONS,
    days: 2,
    data: {
      'quotes.parquet': quotesOf(`TIMESTAMP '<start>'`, 8),
      'calendar.parquet': `SELECT TIMESTAMP '<start>' + to_hours(f) AS begins, TIMESTAMP '<start>' + to_hours(t) AS ends, name AS holiday FROM (VALUES (1, 3, 'feast'), (3, 24, 'rest')) t(f, t, name)`,
      // Of five users, one every ten minutes.
      'orders.parquet': `SELECT i % 5 AS user_id, TIMESTAMP '<start>' + to_minutes(i * 10) AS at, (i % 100)::DOUBLE AS amount FROM range(288) t(i)`,
    },
  });
  const registry = await project.platform.registry();
  start = timeOf(
    (await appliedBatchView(registry, { project: project.name, view: 'rates', version: 1 })).startTime,
  );
  worker = await runWorkerHere(project);
  for (const view of ['rates', 'traffic', 'biggest', 'holiday', 'spend']) {
    const { code, err } = await tidemarkHere(['backfill', view, '--json'], project);
    expect(code, err).toBe(0);
  }
  server = await serveHere(project, 0);
}, 120_000);

afterAll(async () => {
  await server?.close();
  await worker?.stop();
});

interface Answer {
  readonly metadata: { readonly feature_names: readonly string[] };
  readonly results: readonly { readonly values: readonly unknown[]; readonly statuses: readonly string[] }[];
  readonly online: unknown;
  readonly error: { readonly code: string; readonly message: string };
}

async function post(path: string, body: unknown) {
  const response = await fetch(`${server.url}${path}`, { method: 'POST', body: JSON.stringify(body) });
  return { status: response.status, json: (await response.json()) as Answer };
}

/** Values by column. */
async function read(body: object): Promise<Readonly<Record<string, readonly unknown[] | undefined>>> {
  const { status, json } = await post('/get-online-features', body);
  expect(status, JSON.stringify(json)).toBe(200);
  return Object.fromEntries(
    json.metadata.feature_names.map((name, index) => [name, json.results[index]?.values]),
  );
}

describe('a view without keys', () => {
  const references = ['rates:eur', 'traffic:orders_9d', 'biggest:most', 'dear:dear'];

  test.each([
    ['are left out', {}],
    ['have no columns', { entities: {} }],
  ])('alone is one row where entities %s', async (_how, entities) => {
    const expected = { eur: [1.07], orders_9d: [288], most: [87], dear: [true] };
    expect(await read({ features: references, ...entities })).toEqual(expected);
    expect(await read({ feature_service: 'world', ...entities })).toEqual(expected);
  });

  test('is the same in every row of a request that has some, also where a key is null or unknown', async () => {
    const entities = { user_id: [1, 99, null] };
    expect(await read({ features: ['rates:eur'], entities })).toEqual({
      ...entities,
      eur: [1.07, 1.07, 1.07],
    });
    const mixed = await read({ feature_service: 'model', entities });
    expect(mixed).toMatchObject({ eur: [1.07, 1.07, 1.07], orders_9d: [288, 288, 288] });
    expect(mixed.spent_9d).toEqual([expect.any(Number), null, null]);
    expect(mixed.spent_eur).toEqual([Number(mixed.spent_9d?.[0]) * 1.07, null, null]);
  });

  test('beside one that has keys does not stand for them', async () => {
    for (const entities of [{}, { entities: {} }]) {
      const { status, json } = await post('/get-online-features', { feature_service: 'model', ...entities });
      expect([status, json.error.code]).toEqual([400, 'REQUEST_INVALID']);
      expect(json.error.message).toContain('give at least one value for each join key');
    }
  });

  test('comes through the typed client as one result', async () => {
    const client = createClient({ baseUrl: server.url });
    const [row, ...others] = await client.getOnlineFeatures({ features: ['rates:eur'] });
    expect(others).toEqual([]);
    expect(row).toEqual({
      entity: {},
      values: { eur: 1.07 },
      statuses: { eur: 'PRESENT' },
      eventTimes: { eur: hour(42) },
    });
    expect(await client.getOnlineFeatures({ service: 'world', entities: [{}] })).toHaveLength(1);
    for (const entities of [[], [{}, {}]]) {
      await expect(client.getOnlineFeatures({ service: 'world', entities })).rejects.toMatchObject({
        code: 'REQUEST_INVALID',
        message: expect.stringContaining('leave "entities" out where no view has keys'),
      });
    }
  });

  test('is read and measured on the command line without entities', async () => {
    const got = await tidemarkHere(['get', '--service', 'world'], project);
    expect(got).toMatchObject({ code: 0, err: '' });
    expect(got.out.trim().split(/\s+/).slice(-4)).toEqual(['87', 'true', '1.07', '288']);
    const asJson = await tidemarkHere(['get', '--service', 'world', '--json'], project);
    // Floats as the server writes them.
    expect(asJson.out.match(/"values": \[\s+\S+/g)?.map((text) => text.split(/\s+/).at(-1))).toEqual([
      '87.0',
      'true',
      '1.07',
      '288',
    ]);
    for (const url of [[], ['--url', server.url]]) {
      const args = ['loadtest', '--service', 'world', '--duration', '200ms', '--connections', '2', '--json'];
      const { code, out, err } = await tidemarkHere([...args, ...url], project);
      expect([code, err]).toEqual([0, '']);
      const { keys, measurements } = JSON.parse(out);
      expect(keys).toBe(1);
      expect(measurements).toEqual([expect.objectContaining({ entities: 1, errors: 0 })]);
      expect(measurements[0].requests).toBeGreaterThan(5);
    }
    const both = ['loadtest', '--service', 'model', '--duration', '200ms', '--entities', '2', '--json'];
    const { out } = await tidemarkHere(both, project);
    expect(JSON.parse(out)).toMatchObject({ keys: 5, measurements: [{ entities: 2, errors: 0 }] });
  });

  test('counts as one entity when versions are compared', async () => {
    const { platform, name } = project;
    const view = await appliedBatchView(await platform.registry(), {
      project: name,
      view: 'rates',
      version: 1,
    });
    const files = await (await platform.ledger()).files({ project: name, view: 'rates', version: 1 });
    const slices = files.map(({ path, range }) => ({ path, range }));
    const { computer } = await platform.offline();
    expect(await computer.profile(view, slices)).toMatchObject({ rows: 8, entities: 1 });
  });

  test('has online what the as-of join gives for now', async () => {
    const { platform, repo, name } = project;
    const applied = await (await platform.registry()).load(name);
    if (applied === undefined) throw new Error(`nothing is applied of ${repo.project.name}`);
    const parities = await checkParity(applied.manifest, {
      ...(await platform.offline()),
      ledger: await platform.ledger(),
      online: await platform.online(),
      clock: platform.clock,
      offlineRoot: platform.config.offline,
      tempDir: platform.config.home,
    });
    const keys = Object.fromEntries(
      parities.map(({ view, keys: found, differences }) => [view, [found, differences]]),
    );
    expect(keys).toMatchObject({
      'rates@v1': [1, 0],
      'traffic@v1': [1, 0],
      'biggest@v1': [1, 0],
      // Its last row has ended, on both sides.
      'holiday@v1': [1, 0],
      'spend@v1': [5, 0],
    });
  });
});

describe('a training set with views without keys', () => {
  async function train(...args: readonly string[]): Promise<{ path: string; rows: number; id: string }> {
    const { code, out, err } = await tidemarkHere(['train', ...args, '--no-statistics', '--json'], project);
    expect(code, err).toBe(0);
    return JSON.parse(out);
  }

  async function rowsOf(path: string, columns: string): Promise<readonly (readonly unknown[])[]> {
    const { withConnection } = await testEngine();
    return await withConnection(async (connection) => {
      const query = `SELECT ${columns} FROM read_parquet('${path}')`;
      return (await connection.runAndReadAll(query)).getRowsJson();
    });
  }

  test('needs no key column, and each row sees the newest value of its time', async () => {
    await writeRows(
      join(project.home, 'times.parquet'),
      `SELECT ${sqlTime(start)} + to_minutes(m) - to_microseconds(u) AS event_timestamp, m FROM (VALUES (-1, 0), (0, 0), (360, 1), (360, 0), (95, 0), (2000, 0)) t(m, u)`,
    );
    const { path } = await train('rates:eur', 'traffic:orders_6h', 'dear:dear', '--spine', 'times.parquet');
    expect(await rowsOf(path, 'm, eur, orders_6h, dear')).toEqual([
      [-1, null, null, null],
      [0, 1, null, false],
      [360, 1, '30', false],
      [360, 1.01, '36', false],
      [95, 1, '6', false],
      [2000, 1.05, '36', false],
    ]);
  });

  test('looks a label up that holds for everybody, and a value only as long as it is true', async () => {
    await writeRows(
      join(project.home, 'users.parquet'),
      `SELECT u::BIGINT AS user_id, ${sqlTime(start)} + to_hours(h) AS event_timestamp FROM (VALUES (1, 0), (2, 2), (1, 5), (1, 24)) t(u, h)`,
    );
    const args = ['spend:spent_9d', 'holiday:holiday', '--spine', 'users.parquet'];
    const { path } = await train(...args, '--label', 'rates:eur', '--horizon', '6h');
    expect(await rowsOf(path, 'user_id, holiday, eur')).toEqual([
      ['1', null, 1.01],
      ['2', 'feast', 1.01],
      ['1', 'rest', 1.01],
      ['1', null, 1.05],
    ]);
  });

  test('gives for now what is served now', async () => {
    await writeRows(
      join(project.home, 'now.parquet'),
      `SELECT user_id::BIGINT AS user_id, make_timestamp(${project.platform.clock()}) AS event_timestamp FROM (VALUES (3), (99)) t(user_id)`,
    );
    const { path } = await train('--service', 'model', '--spine', 'now.parquet');
    const names = ['spent_9d', 'eur', 'orders_6h', 'orders_9d', 'spent_eur'];
    const served = await read({ feature_service: 'model', entities: { user_id: [3, 99] } });
    const trained = await rowsOf(path, names.map((name) => `${name}::DOUBLE`).join(', '));
    expect(trained).toEqual([0, 1].map((row) => names.map((name) => served[name]?.[row] ?? null)));
    expect(trained[0]?.every((value) => typeof value === 'number')).toBe(true);
  });

  test('without entity rows has those of the views with keys, or else its own times', async () => {
    const range = ['--from', formatTime(hour(6)), '--to', formatTime(hour(13))];
    const own = await train('rates:eur', ...range);
    expect(await rowsOf(own.path, 'epoch_us(event_timestamp), eur')).toEqual([
      [String(hour(6)), 1.01],
      [String(hour(12)), 1.02],
    ]);
    const both = await train('spend:spent_9d', 'rates:eur', ...range);
    const moments = await rowsOf(both.path, 'count(*), count(DISTINCT user_id), count(eur), min(eur)');
    expect(moments).toEqual([['35', '5', '35', 1.01]]);
  });

  test('is made again to the byte, and is split by the keys that there are', async () => {
    const range = ['--from', formatTime(hour(1)), '--to', formatTime(hour(13))];
    const { id } = await train('--service', 'model', ...range, '--split', 'entity:50/50');
    const verified = await tidemarkHere(['dataset', 'verify', id], project);
    expect(verified).toMatchObject({ code: 0, err: '' });
    const refused = await tidemarkHere(['train', 'rates:eur', ...range, '--split', 'entity:50/50'], project);
    expect(refused).toMatchObject({
      code: 1,
      err: expect.stringContaining('no view that is read has keys'),
    });
  });

  test('takes such a view under a prefix, and not by another column', async () => {
    const { path } = await train('rates:eur', '--spine', 'times.parquet', '--alias', 'rates:usd_to_');
    expect(await rowsOf(path, 'max(usd_to_eur)')).toEqual([[1.05]]);
    const args = ['train', 'rates:eur', '--spine', 'times.parquet', '--alias', 'rates:x_:currency=money'];
    const { code, err } = await tidemarkHere(args, project);
    expect(code).toBe(1);
    expect(err).toContain('it has no join keys, and can be given a prefix only');
  });
});

describe('what is written to a view without keys', () => {
  test('is pushed: the newest row is served when it is answered', async () => {
    const now = project.platform.clock();
    const times = [5n, 1n, 3n].map((minutes) => formatTime((now - minutes * 60_000_000n) as Micros));
    const df = { level: [1, 2, 3], said: ['a', 'b', null], at: times };
    const { json } = await post('/push', { push_source_name: 'warnings', df, to: 'online_and_offline' });
    expect(json.online).toEqual([{ view: 'last_warning@v1', written: 1, unchanged: 2 }]);
    expect(await read({ features: ['last_warning:*'] })).toEqual({ level: [2], said: ['b'] });
    const at = [times[1], times[1]];
    const twice = { push_source_name: 'warnings', df: { level: [1, 2], said: ['a', 'b'], at } };
    expect((await post('/push', twice)).json.error.message).toContain(
      'found other values than in row 0 for view "last_warning", which has no keys, at the same time',
    );
  });

  test('goes straight into its online table', async () => {
    const time = formatTime(project.platform.clock());
    const df = { level: [7], said: ['direct'], event_timestamp: [time] };
    const written = await post('/write-to-online-store', { feature_view_name: 'last_warning', df });
    expect(written.status, JSON.stringify(written.json)).toBe(200);
    expect(await read({ features: ['last_warning:*'] })).toEqual({ level: [7], said: ['direct'] });
    const keyed = { feature_view_name: 'last_warning', df: { ...df, user_id: [1] } };
    expect((await post('/write-to-online-store', keyed)).json.error.message).toContain(
      'df.user_id: view "last_warning" has no such column',
    );
  });

  // Last, because it changes what the others read.
  test('and is taken back when a restatement no longer has it', async () => {
    await writeRows(join(project.repo.dir, 'quotes.parquet'), quotesOf(sqlTime(start), 7));
    const view = await appliedBatchView(await project.platform.registry(), {
      project: project.name,
      view: 'rates',
      version: 1,
    });
    await materializeHere(project, { view, range: { start: hour(42), end: hour(43) }, restate: true });
    expect(await read({ features: ['rates:eur'] })).toEqual({ eur: [1.06] });
    await writeRows(join(project.repo.dir, 'quotes.parquet'), quotesOf(sqlTime(start), 0));
    await materializeHere(project, { view, range: { start: hour(0), end: hour(48) }, restate: true });
    const { json } = await post('/get-online-features', { features: ['rates:eur'] });
    expect(json.results).toMatchObject([{ values: [null], statuses: ['NOT_FOUND'] }]);
  });
});
