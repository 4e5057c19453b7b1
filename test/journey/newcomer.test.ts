import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Client, Connection } from '@temporalio/client';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import packageJson from '../../package.json' with { type: 'json' };
import { tidemark } from '../support/command-line.ts';
import { services, testDatabase, uniqueName } from '../support/services.ts';

/** A newcomer's first hour, on the command line: one project from `init` to a retired version. */
let folder: string;
let project: string;
let env: Record<string, string>;
let filledAt: number;

const run = (...args: readonly string[]) => tidemark(args, { env, cwd: folder });

const fullHours = () => Math.floor(Date.now() / 3_600_000);

async function facts(...args: readonly string[]): Promise<unknown> {
  const { code, stdout, stderr } = await run(...args, '--json');
  expect(stderr).toBe('');
  expect(code).toBe(0);
  return JSON.parse(stdout);
}

async function edit(change: (text: string) => string): Promise<void> {
  const file = join(folder, project, 'definitions.ts');
  await writeFile(file, change(await readFile(file, 'utf8')));
}

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'tidemark-newcomer-'));
  project = uniqueName('shop');
  const { redisUrl, temporalAddress } = services();
  env = {
    DATABASE_URL: await testDatabase('newcomer'),
    REDIS_URL: redisUrl,
    TEMPORAL_ADDRESS: temporalAddress,
    TIDEMARK_HOME: join(folder, 'home'),
    TIDEMARK_REPO: project,
    TIDEMARK_USER: 'newcomer',
  };
});

afterAll(async () => {
  const connection = await Connection.connect({ address: services().temporalAddress });
  const client = new Client({ connection });
  for await (const { scheduleId } of client.schedule.list()) {
    if (scheduleId.includes(project)) await client.schedule.getHandle(scheduleId).delete();
  }
  await connection.close();
  await rm(folder, { recursive: true, force: true });
});

describe('a first project', () => {
  test('init makes a repository that plans as it stands, and does not overwrite one', async () => {
    expect(await facts('init', project)).toMatchObject({ project });
    const again = await run('init', project);
    expect(again).toMatchObject({ code: 1, stdout: '' });
    expect(again.stderr).toMatch(/^REQUEST_INVALID: .*is there already\.\n$/);
  });

  test('plan shows what apply does, apply does only the plan it was shown, and twice does nothing', async () => {
    const plan = (await facts('plan')) as { hash: string; changes: readonly unknown[] };
    expect(plan.changes).toHaveLength(4);
    const drifted = await run('apply', '--plan', '0123456789');
    expect(drifted).toMatchObject({ code: 1 });
    expect(drifted.stderr).toContain('PLAN_DRIFTED');
    expect(await facts('apply', '--plan', plan.hash)).toMatchObject({ kind: 'applied', revision: 1 });
    expect(await facts('apply')).toMatchObject({ kind: 'nothing_to_do', revision: 1 });
  });

  test('a backfill without a worker works in its own process, and get reads what it published', async () => {
    filledAt = fullHours();
    const done = await run('backfill', 'user_orders', '--json');
    expect(done.code).toBe(0);
    const totals = JSON.parse(done.stdout) as { intervals: number; failed: unknown[] };
    expect(totals.intervals).toBeGreaterThanOrEqual(288);
    expect(totals.failed).toEqual([]);
    const answer = await facts(
      'get',
      'user_orders:orders_30d',
      '--entity',
      'user_id=1',
      '--entity',
      'user_id=99',
    );
    expect(answer).toMatchObject({
      metadata: { feature_names: ['user_id', 'orders_30d'] },
      results: [{ values: [1, 99] }, { values: [8, null], statuses: ['PRESENT', 'NOT_FOUND'] }],
    });
  });

  test('a training set has one row per entity row, and the same one again is found', async () => {
    await writeFile(
      join(folder, 'labels.csv'),
      `user_id,event_timestamp,label\n1,${new Date(Date.now() - 3 * 86_400_000).toISOString()},1\n2,2020-01-01T00:00:00Z,0\n`,
    );
    const args = ['train', '--service', 'recommender', '--spine', 'labels.csv', '--json'];
    const first = await run(...args);
    expect(first).toMatchObject({ code: 0 });
    const built = JSON.parse(first.stdout) as {
      id: string;
      rows: number;
      nullShares: object;
      reused: boolean;
    };
    expect(built).toMatchObject({ rows: 2, reused: false, nullShares: { orders_30d: 0.5 } });
    expect(JSON.parse((await run(...args)).stdout)).toMatchObject({ id: built.id, reused: true });
  });

  test('status shows each view, its watermark and what is missing', async () => {
    const status = (await facts('status')) as { views: readonly { missingIntervals: number }[] };
    expect(status).toMatchObject({
      project,
      views: [{ view: 'user_orders@v1', serving: true, missingIntervals: expect.any(Number) }],
      alerts: [],
    });
    // An hour that has ended since the backfill is due, and nobody works here.
    expect(status.views[0]?.missingIntervals).toBeLessThanOrEqual(fullHours() - filledAt);
  });
});

describe('a second version', () => {
  test('a breaking change without a new version is refused with the line to change', async () => {
    await edit((text) => text.replace("count('30d')", "count('20d')"));
    const refused = await run('plan');
    expect(refused.code).toBe(1);
    expect(refused.stderr).toContain('BREAKING_CHANGE');
    expect(refused.stderr).toContain('version: 2');
    await edit((text) => text.replace("count('20d')", "count('30d')"));
  });

  test('migrate backfills it, compares, waits, cuts over on approval, and goes back on abort', async () => {
    await edit((text) => {
      const view = text.slice(
        text.indexOf('export const userOrders'),
        text.indexOf('export const recommender'),
      );
      const second = view
        .replace('userOrders', 'userOrders2')
        .replace('version: 1', 'version: 2')
        .replaceAll("'30d'", "'5d'");
      return `${text}\n${second}`;
    });
    expect(await facts('apply')).toMatchObject({ kind: 'applied' });
    const waiting = await run('migrate', 'user_orders', '--json');
    expect(JSON.parse(waiting.stdout)).toMatchObject({
      from: 1,
      to: 2,
      state: 'waiting for approval',
      serving: 1,
      comparison: { features: [{ feature: 'avg_order_30d' }, {}, {}] },
    });
    const read = async () => {
      const answer = (await facts('get', 'user_orders:orders_30d', '--entity', 'user_id=1')) as {
        results: readonly { values: readonly number[] }[];
      };
      return answer.results[1]?.values[0];
    };
    expect(await read()).toBe(8);
    const over = await run('migrate', 'user_orders', '--approve', '--json');
    expect(JSON.parse(over.stdout)).toMatchObject({
      state: 'soaking',
      serving: 2,
      decisions: ['approve by newcomer'],
    });
    expect(await read()).toBeLessThan(8);

    const refused = await run('migrate', 'user_orders', '--from', '1', '--to', '2', '--retire');
    expect(refused.code).toBe(1);
    expect(refused.stderr).toContain('recommender');

    const back = await run('migrate', 'user_orders', '--from', '1', '--to', '2', '--abort', '--json');
    expect(JSON.parse(back.stdout)).toMatchObject({ state: 'aborted', serving: 1 });
    expect(await read()).toBe(8);
  }, 120_000);
});

describe('going online again', () => {
  test('publishes what is committed when it is applied', async () => {
    const read = async () => {
      const answer = (await facts('get', 'user_orders:orders_30d', '--entity', 'user_id=1')) as {
        results: readonly { statuses: readonly string[] }[];
      };
      return answer.results[1]?.statuses[0];
    };
    await edit((text) => text.replace('version: 1,', 'version: 1,\n  online: false,'));
    expect((await run('apply')).code).toBe(0);
    await edit((text) => text.replace('\n  online: false,', ''));
    const applied = await run('apply');
    expect(applied.code).toBe(0);
    expect(applied.stderr).toContain('user_orders@v1: ');
    expect(await read()).toBe('PRESENT');
  });
});

describe('mistakes', () => {
  test.each([
    [['frobnicate'], 2, "unknown command 'frobnicate'"],
    [['backfill', 'user_orders', '--concurrency', 'many'], 2, 'a whole number from 1 to 16'],
    [['backfill', 'user_order'], 1, 'Did you mean "user_orders"?'],
    [['backfill', 'user_orders@v9'], 1, 'the registry has v1'],
    [['backfill', 'user_orders', '--start', 'yesterday', '--end', 'today'], 1, 'is not an ISO 8601 time'],
    [['get', 'user_orders:nothing', '--entity', 'user_id=1'], 1, 'UNKNOWN_FEATURE'],
    [['get', 'user_orders:orders_30d', '--entity', 'user_id=abc'], 1, 'REQUEST_INVALID'],
    [['get', 'user_orders:orders_30d', '--entity', 'user_id'], 1, 'must read key=value'],
    [['plan', '--repo', 'no/such/folder'], 1, 'DEFINITION_INVALID'],
    [['train', '--service', 'recommender', '--spine', 'none.csv'], 1, 'SPINE_INVALID'],
    [['train', '--spine', 'labels.csv'], 1, 'Name features'],
  ] as const)('%j exits with %i and says so in one message', async (args, code, text) => {
    const ended = await run(...args);
    expect(ended.stderr).toContain(text);
    expect(ended.code).toBe(code);
    expect(ended.stderr).not.toMatch(/^\s+at /m);
  });

  test('an environment that cannot be used is told as a whole, without its values', async () => {
    const bad = { ...env, DATABASE_URL: 'mysql://user:secret@host/db', TIDEMARK_PORT: 'http' };
    const { code, stderr } = await tidemark(['status'], { env: bad, cwd: folder });
    expect(code).toBe(1);
    expect(stderr).toContain('CONFIG_INVALID');
    expect(stderr).toContain('DATABASE_URL');
    expect(stderr).toContain('TIDEMARK_PORT');
    expect(stderr).not.toContain('secret');
  });

  test('it says which version it is', async () => {
    expect(await run('--version')).toMatchObject({ code: 0, stdout: `${packageJson.version}\n` });
  });

  test('help has an example for every command', async () => {
    const { stdout } = await run('--help');
    const commands = [...stdout.matchAll(/^ {2}([a-z]+) /gm)]
      .map(([, name]) => name ?? '')
      .filter((name) => name !== 'help');
    expect(commands.toSorted()).toEqual(
      [
        'apply',
        'backfill',
        'dataset',
        'dev',
        'get',
        'init',
        'loadtest',
        'materialize',
        'migrate',
        'plan',
        'serve',
        'stack',
        'status',
        'train',
        'worker',
      ].toSorted(),
    );
    for (const name of commands.filter((command) => command !== 'stack' && command !== 'dataset')) {
      expect((await run(name, '--help')).stdout, name).toMatch(/Examples?:\n {2}\$ tidemark/);
    }
  }, 90_000);
});
