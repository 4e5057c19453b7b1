import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { serveHere } from '../../src/cli/serve-here.ts';
import { runWorkerHere } from '../../src/cli/worker-here.ts';
import { compose } from '../../src/compose.ts';
import { durationOf, formatTime, type Micros, micros, subtractDuration } from '../../src/core/time.ts';
import { viewStatuses } from '../../src/monitor/view-status.ts';
import { onlineTableOf } from '../../src/online/online-table.ts';
import { follow, startBackfill } from '../../src/orchestrate/runs.ts';
import type { RunningWorker } from '../../src/orchestrate/worker.ts';
import { appliedBatchView } from '../../src/registry/applied-manifest.ts';
import type { RunningServer } from '../../src/server/serve.ts';
import { appliedProject, type TestProject } from '../support/project.ts';

/** A shop's clicks: pushed, served at once, and computed from what the log has kept. */
const DEFINITIONS = `
export const thisProject = project({ name: '<project>' });
export const user = entity({ name: 'user', joinKeys: { user_id: 'int64' } });
export const clicks = pushSource({
  name: 'clicks',
  columns: { user_id: 'int64', page: 'string', amount: 'int32', tags: 'array<string>' },
  timestampField: 'at',
});
export const lastClick = streamFeatureView({
  name: 'last_click', version: 1, entities: [user], source: clicks,
  schedule: '* * * * *', startTime: '<start>', ttl: '1h', freshnessSla: '10m',
  features: { page: 'string', amount: 'float64', tags: 'array<string>' },
});
export const clickCounts = batchFeatureView({
  name: 'click_counts', version: 1, entities: [user], source: clicks,
  schedule: '* * * * *', startTime: '<start>',
  aggregations: { clicks_1d: count('1d'), spent_1d: sum('amount', '1d') },
});
export const orders = pushSource({
  name: 'orders', columns: { user_id: 'int64', amount: 'float64' },
  timestampField: 'at', createdTimestampField: 'written_at',
});
export const spend = batchFeatureView({
  name: 'spend', version: 1, entities: [user], source: orders,
  schedule: '* * * * *', startTime: '<start>', features: { amount: 'float64' },
});
export const model = featureService({ name: 'model', features: [lastClick, clickCounts] });
`;

let project: TestProject;
let server: RunningServer;
let worker: RunningWorker;

beforeAll(async () => {
  project = await appliedProject({ definitions: DEFINITIONS, data: {}, days: 1 });
  server = await serveHere(project, 0);
  worker = await runWorkerHere(project);
});

afterAll(async () => {
  await worker?.stop();
  await server?.close();
});

/** Whatever the routes answer. */
interface Answer {
  readonly metadata: { readonly feature_names: readonly string[] };
  readonly results: readonly { readonly values: readonly unknown[] }[];
  readonly rows: number;
  readonly online: unknown;
  readonly feature_views: readonly string[];
  readonly runs: readonly { readonly id: string; readonly view: string }[];
  readonly state: string;
  readonly error: {
    readonly code: string;
    readonly message: string;
    readonly problems: readonly { readonly where: string; readonly message: string }[];
  };
}

async function post(path: string, body: unknown) {
  const response = await fetch(`${server.url}${path}`, { method: 'POST', body: JSON.stringify(body) });
  return { status: response.status, json: (await response.json()) as Answer };
}

const ago = (text: string): Micros => subtractDuration(project.platform.clock(), durationOf(text));

async function read(features: readonly string[], ids: readonly number[]) {
  const { json } = await post('/get-online-features', { features, entities: { user_id: ids }, typed: true });
  const rows = new Map<string, readonly unknown[] | undefined>();
  for (const [index, name] of json.metadata.feature_names.entries())
    rows.set(name, json.results[index]?.values);
  return Object.fromEntries(rows);
}

async function materialized(view: string): Promise<void> {
  const { client } = await project.platform.temporal();
  await follow(await startBackfill(client, { project: project.name, view, version: 1 }), () => {});
}

describe('a push', () => {
  test('is online when it is answered, and the newest row of an entity wins', async () => {
    const [older, newer] = [formatTime(ago('10m')), formatTime(ago('5m'))];
    const { status, json } = await post('/push', {
      push_source_name: 'clicks',
      df: {
        user_id: [1, 1, 2],
        page: ['home', 'cart', null],
        amount: [1, 2, 3],
        tags: [['a'], [], null],
        at: [newer, older, newer],
      },
      to: 'online_and_offline',
      allow_registry_cache: true,
    });
    expect({ status, json }).toEqual({
      status: 200,
      json: {
        source: 'clicks',
        rows: 3,
        offline: true,
        online: [{ view: 'last_click@v1', written: 2, unchanged: 1 }],
      },
    });
    expect(await read(['last_click:page', 'last_click:amount', 'last_click:tags'], [1, 2, 3])).toEqual({
      user_id: [1, 2, 3],
      page: ['home', null, null],
      amount: [1, 3, null],
      tags: [['a'], null, null],
    });
  });

  test('that is sent again changes no value, and one that is older none either', async () => {
    const at = formatTime(ago('3m'));
    const body = {
      push_source_name: 'clicks',
      df: { user_id: [10], page: ['cart'], amount: [7], tags: [null], at: [at] },
      to: 'online_and_offline',
    };
    expect((await post('/push', body)).status).toBe(200);
    expect((await post('/push', body)).status).toBe(200);
    const late = { ...body, df: { ...body.df, page: ['home'], at: [formatTime(ago('4m'))] } };
    expect((await post('/push', late)).json.online).toEqual([
      { view: 'last_click@v1', written: 0, unchanged: 1 },
    ]);
    expect(await read(['last_click:page'], [10])).toEqual({ user_id: [10], page: ['cart'] });
  });

  test('with a created time of its own says which of two rows of one time is newer', async () => {
    const at = formatTime(ago('30m'));
    const push = (amount: number, written_at: string) =>
      post('/push', {
        push_source_name: 'orders',
        df: { user_id: [1], amount: [amount], at: [at], written_at: [written_at] },
        to: 'offline',
      });
    expect((await push(2, formatTime(ago('20m')))).json).toEqual({
      source: 'orders',
      rows: 1,
      offline: true,
      online: [],
    });
    expect((await push(1, formatTime(ago('25m')))).status).toBe(200);
    await sealed();
    await materialized('spend');
    expect(await read(['spend:amount'], [1])).toEqual({ user_id: [1], amount: [2] });
  });

  test('is refused as a whole, naming every row and field that is wrong', async () => {
    const now = formatTime(project.platform.clock());
    const { status, json } = await post('/push', {
      push_source_name: 'clicks',
      df: {
        user_id: [50, 'x', null, 52],
        page: ['a', 'b', 'c', 4],
        amount: [1, 2, 3, 4.5],
        tags: [[], ['a', 1], null, null],
        at: [now, now, now, '2999-01-01T00:00:00Z'],
        pgae: [1, 2, 3, 4],
      },
      to: 'online_and_offline',
    });
    expect(status).toBe(400);
    expect(json.error.code).toBe('REQUEST_INVALID');
    expect(json.error.problems.map(({ where }) => where)).toEqual([
      'df.pgae',
      'df.at[3]',
      'df.amount[3]',
      'df.page[3]',
      'df.tags[1]',
      'df.user_id[1]',
    ]);
    expect(json.error.message).toContain('Did you mean "page"?');
    expect(json.error.message).toMatch(/at\[3\]: found 2999-01-01T00:00:00Z, which is more than 5m ahead/);
    expect(await read(['last_click:page'], [50])).toEqual({ user_id: [50], page: [null] });
  });

  test('with a null key or two truths about one moment is refused, and writes nothing', async () => {
    const at = formatTime(ago('1m'));
    const refused = await post('/push', {
      push_source_name: 'clicks',
      df: { user_id: [60, null], page: ['a', 'b'], amount: [1, 2], tags: [null, null], at: [at, at] },
    });
    expect(refused.status).toBe(400);
    expect(refused.json.error.problems).toEqual([
      {
        where: 'df.user_id[1]',
        message: 'found null; "user_id" is a join key of view "last_click", which needs one in every row.',
      },
    ]);
    const twice = await post('/push', {
      push_source_name: 'clicks',
      df: { user_id: [60, 60], page: ['a', 'b'], amount: [1, 2], tags: [null, null], at: [at, at] },
    });
    expect(twice.status).toBe(400);
    expect(twice.json.error.message).toContain('df[1]: found other values than in row 0');
    expect(await read(['last_click:page'], [60])).toEqual({ user_id: [60], page: [null] });
  });

  test('with a row too large to be served is refused whole, naming it, and none of it is anywhere', async () => {
    const at = formatTime(ago('1m'));
    const page = ['a', 'x'.repeat(2_000_000)];
    const { status, json } = await post('/push', {
      push_source_name: 'clicks',
      to: 'online_and_offline',
      df: { user_id: [61, 62], page, amount: [1, 2], tags: [null, null], at: [at, at] },
    });
    expect(status).toBe(400);
    expect(json.error.problems).toEqual([
      {
        where: 'df.page[1]',
        message: expect.stringMatching(
          /^found a row of 2,000,\d{3} bytes, most of them here; view "last_click@v1" serves rows of at most 1,048,576 bytes \(TIDEMARK_ROW_MAX_BYTES\)\.$/,
        ),
      },
    ]);
    expect(await read(['last_click:page'], [61])).toEqual({ user_id: [61], page: [null] });
  });

  test.each([
    [{ push_source_name: 'click', df: {} }, 404, 'UNKNOWN_SOURCE', 'Did you mean "clicks"?'],
    [{ push_source_name: 'clicks', df: {}, to: 'nowhere' }, 400, 'REQUEST_INVALID', 'expected "online"'],
    [{ push_source_name: 'orders', df: {}, to: 'online' }, 400, 'REQUEST_INVALID', 'no stream view'],
    [
      { push_source_name: 'clicks', df: { user_id: [1, 2], page: ['a'] } },
      400,
      'REQUEST_INVALID',
      'lists of different lengths',
    ],
    [
      { push_source_name: 'clicks', df: { user_id: [1] } },
      400,
      'REQUEST_INVALID',
      'df.at: the column is missing',
    ],
    [{ push_source_name: 'clicks', df: { user_id: Array(10_001).fill(1) } }, 413, 'TOO_LARGE', '10000'],
    [{ push_source_name: 'clicks', df: { page: ['x'.repeat(9 << 20)] } }, 413, 'TOO_LARGE', 'larger'],
  ])('that cannot be is one clear error: %#', async (body, status, code, text) => {
    const { status: found, json } = await post('/push', body);
    expect([found, json.error.code]).toEqual([status, code]);
    expect(json.error.message).toContain(text);
  });

  test('of no rows is one of no rows', async () => {
    const { status, json } = await post('/push', { push_source_name: 'clicks', df: {}, to: 'online' });
    expect([status, json.rows]).toEqual([200, 0]);
  });
});

/** What was pushed so far is in files: a server that ends makes them of what its log holds. */
async function sealed(): Promise<void> {
  await server.close();
  server = await serveHere(project, 0);
}

describe('what was pushed', () => {
  test('becomes offline features by the one path, and publishing it again changes nothing online', async () => {
    const registry = await project.platform.registry();
    const version = { project: project.name, view: 'last_click', version: 1 };
    const view = await appliedBatchView(registry, version);
    const table = onlineTableOf(project.name, view);
    const online = await project.platform.online();
    const before = await online.read([{ table, keys: [[1n], [2n], [10n]] }]);
    await sealed();
    await materialized('last_click');
    await materialized('click_counts');
    const files = await (await project.platform.ledger()).files(version);
    expect(files.reduce((rows, file) => rows + file.rows, 0)).toBe(5);
    expect(await online.read([{ table, keys: [[1n], [2n], [10n]] }])).toEqual(before);
    expect(await read(['click_counts:clicks_1d', 'click_counts:spent_1d'], [1, 10])).toEqual({
      user_id: [1, 10],
      clicks_1d: [2, 2],
      spent_1d: [3, 14],
    });
  });

  test('makes a stream view as fresh as its newest event', async () => {
    const deps = {
      registry: await project.platform.registry(),
      ledger: await project.platform.ledger(),
      streams: await project.platform.streams(),
      clock: project.platform.clock,
    };
    const at = ago('0s');
    await post('/push', {
      push_source_name: 'clicks',
      df: { user_id: [70], page: ['a'], amount: [1], tags: [null], at: [formatTime(at)] },
    });
    await expect
      .poll(async () => (await deps.streams.newest(project.name)).get('last_click@v1'), { timeout: 30_000 })
      .toBe(at);
    const clock = () => micros(at + durationOf('11m'));
    const statuses = await viewStatuses(project.name, { ...deps, clock });
    expect(statuses.find(({ view }) => view === 'last_click@v1')).toMatchObject({
      freshness: 'breached',
      ageSeconds: 660,
    });
  });
});

describe('a write to a view', () => {
  test('is online when it is answered, under its own names of the times or under those of Feast', async () => {
    const at = formatTime(ago('1m'));
    const { status, json } = await post('/write-to-online-store', {
      feature_view_name: 'spend',
      df: { user_id: [7, 8], amount: [1.5, null], event_timestamp: [at, at], created: [at, null] },
      allow_registry_cache: false,
    });
    expect({ status, json }).toEqual({
      status: 200,
      json: { view: 'spend@v1', written: 2, unchanged: 0 },
    });
    const again = await post('/write-to-online-store', {
      feature_view_name: 'spend@v1',
      df: { user_id: [7], amount: [9], at: [formatTime(ago('2m'))] },
    });
    expect(again.json).toEqual({ view: 'spend@v1', written: 0, unchanged: 1 });
    expect(await read(['spend:amount'], [7, 8])).toEqual({ user_id: [7, 8], amount: [1.5, null] });
  });

  test.each([
    [{ feature_view_name: 'spent', df: {} }, 404, 'UNKNOWN_VIEW', 'Did you mean "spend"?'],
    [{ feature_view_name: 'spend@v9', df: {} }, 404, 'UNKNOWN_VIEW', 'The registry has version 1'],
    [{ feature_view_name: 'spend', df: { user_id: [1], amount: [1] } }, 400, 'REQUEST_INVALID', 'df.at'],
    [
      { feature_view_name: 'spend', df: { user_id: [null], amount: [1], at: ['2026-01-01'] } },
      400,
      'REQUEST_INVALID',
      'df.user_id[0]: found null; "user_id" is a join key',
    ],
  ])('that cannot be is one clear error: %#', async (body, status, code, text) => {
    const { status: found, json } = await post('/write-to-online-store', body);
    expect([found, json.error.code]).toEqual([status, code]);
    expect(json.error.message).toContain(text);
  });
});

describe('materialize', () => {
  const run = async (id: string) => (await (await fetch(`${server.url}/runs/${id}`)).json()) as Answer;

  test('starts a run for each view, the same one when it is asked for again, and tells how it goes', async () => {
    const body = {
      start_ts: formatTime(ago('2h')),
      end_ts: formatTime(ago('0s')),
      feature_views: ['spend', 'click_counts'],
    };
    const { status, json } = await post('/materialize', body);
    expect(status).toBe(202);
    expect(json.feature_views).toEqual(['spend', 'click_counts']);
    expect((await post('/materialize', body)).json).toEqual(json);
    for (const { id } of json.runs) {
      expect(id).toMatch(new RegExp(`^materialize/${project.name}/(spend|click_counts)@v1/`));
      await expect.poll(async () => (await run(id)).state, { timeout: 30_000 }).toBe('completed');
      expect(await run(id)).toMatchObject({
        id,
        workflow: 'materialize',
        progress: { failed: [] },
        error: null,
      });
    }
  });

  test('incremental starts every view that is served, up to a time', async () => {
    const { status, json } = await post('/materialize-incremental', { end_ts: formatTime(ago('1m')) });
    expect(status).toBe(202);
    expect(json.runs.map(({ view }) => view)).toEqual(['click_counts', 'last_click', 'spend']);
  });

  test.each([
    [{}, 'Cannot materialize without "start_ts" and "end_ts"'],
    [{ start_ts: '2026-01-02', end_ts: '2026-01-01' }, '"start_ts" must lie before "end_ts"'],
    [{ start_ts: 'yesterday', end_ts: '2026-01-01' }, 'Cannot read "start_ts": found "yesterday"'],
    [
      { start_ts: '2026-01-01T00:00:01Z', end_ts: '2026-01-01T00:00:59Z' },
      'no whole interval of its schedule',
    ],
    [{ disable_event_timestamp: true, version: 'v2' }, 'Cannot materialize a "version" of several views'],
    [
      { disable_event_timestamp: true, feature_views: ['spend'], version: 'v2' },
      'Cannot find view "spend@v2"',
    ],
  ])('that cannot be is one clear error: %#', async (body, text) => {
    const { status, json } = await post('/materialize', body);
    expect([400, 404]).toContain(status);
    expect(json.error.message).toContain(text);
  });

  test('a run that is not there, or of another project, is not found', async () => {
    for (const id of ['materialize/other/spend@v1', '', 'x'.repeat(2000)])
      expect((await run(id)).error.code).toBe('UNKNOWN_RUN');
  });
});

test('with Temporal away, what needs it is answered with 503, and rows are written all the same', async () => {
  const { platform, repo, output } = project;
  const addresses = { ...platform.addresses, temporalAddress: '127.0.0.1:9' };
  const away = compose({ config: platform.config, addresses, baseDir: repo.dir });
  const alone = await serveHere({ platform: away, repo, output }, 0);
  try {
    const ask = async (path: string, body: unknown) =>
      (await fetch(`${alone.url}${path}`, { method: 'POST', body: JSON.stringify(body) })).status;
    const df = { user_id: [90], page: ['a'], amount: [1], tags: [null], at: [formatTime(ago('1s'))] };
    expect(await ask('/push', { push_source_name: 'clicks', df, to: 'online_and_offline' })).toBe(200);
    expect(await ask('/materialize', { disable_event_timestamp: true })).toBe(503);
    expect((await fetch(`${alone.url}/runs/materialize/x`)).status).toBe(503);
  } finally {
    await alone.close();
    await away.close();
  }
});
