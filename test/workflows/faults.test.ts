import { type AddressInfo, createServer, type Server } from 'node:net';
import { Writable } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { applyRepo } from '../../src/cli/commands/apply.ts';
import { main } from '../../src/cli/main.ts';
import { runWorkerHere } from '../../src/cli/worker-here.ts';
import { compose, type Platform } from '../../src/compose.ts';
import { messageOf, type TidemarkError } from '../../src/core/errors.ts';
import type { FeatureRow } from '../../src/core/rows.ts';
import { onlineTableOf } from '../../src/online/online-table.ts';
import { startBackfill } from '../../src/orchestrate/runs.ts';
import { appliedBatchView } from '../../src/registry/applied-manifest.ts';
import { freePort } from '../../src/stack/ports.ts';
import type { Addresses } from '../../src/stack/stack.ts';
import { type Cuttable, cuttable } from '../support/cuttable.ts';
import { ownRedis } from '../support/own-redis.ts';
import { ownTemporal } from '../support/own-temporal.ts';
import { type TestProject, testProject } from '../support/project.ts';
import { shop } from '../support/shop.ts';

/** Minutes of ten days. */
const CHUNKS = 8;

const cleanups: (() => Promise<unknown>)[] = [];
afterAll(async () => {
  for (const cleanup of cleanups.splice(0).toReversed()) await cleanup();
});

interface Case {
  /** On the servers that the test disturbs. */
  readonly worker: Platform;
  /** On the servers themselves. */
  readonly watcher: Platform;
  readonly project: TestProject;
}

/** An applied project whose worker reaches some servers by other addresses than the test. */
async function disturbed(
  change: (addresses: Addresses) => Promise<{
    readonly all?: Partial<Addresses>;
    readonly worker?: Partial<Addresses>;
  }>,
): Promise<Case> {
  const options = shop('* * * * *');
  const definitions = options.definitions.replace(
    "schedule: '* * * * *',",
    "schedule: '* * * * *', paused: true,",
  );
  const project = await testProject({ ...options, definitions });
  const given = await change(project.platform.addresses);
  const platformOn = (addresses: Partial<Addresses>) => {
    const { config } = project.platform;
    const platform = compose({
      config,
      addresses: { ...project.platform.addresses, ...given.all, ...addresses },
      baseDir: project.repo.dir,
    });
    cleanups.push(() => platform.close());
    return platform;
  };
  const [watcher, worker] = [platformOn({}), platformOn(given.worker ?? {})];
  await applyRepo({ ...project, platform: watcher });
  const running = await runWorkerHere({ ...project, platform: worker });
  cleanups.push(() => running.stop());
  return { worker, watcher, project };
}

const target = ({ project }: Case) => ({ project: project.name, view: 'spend', version: 1 });

async function backfill(of: Case) {
  const { client } = await of.watcher.temporal();
  const run = await startBackfill(client, target(of));
  const ledger = await of.watcher.ledger();
  await expect
    .poll(async () => (await ledger.files(target(of))).length, { timeout: 30_000, interval: 10 })
    .toBeGreaterThan(0);
  return run;
}

/** The fault has come in the middle. */
async function expectUnfinished(of: Case): Promise<void> {
  const ledger = await of.watcher.ledger();
  expect((await ledger.files(target(of))).length).toBeLessThan(CHUNKS);
}

/** Every interval once, and online what the newest files hold. */
async function expectComplete(of: Case): Promise<void> {
  const ledger = await of.watcher.ledger();
  const view = await appliedBatchView(await of.watcher.registry(), target(of));
  const coverage = await ledger.coverage(target(of));
  expect(coverage).toMatchObject({ running: [], held: [], failed: [] });
  expect(coverage.committed).toHaveLength(1);
  const files = await ledger.files(target(of));
  expect(files.every(({ revision }) => revision === 0)).toBe(true);
  const { reader } = await of.watcher.offline();
  const slices = files.map(({ path, revision, range }) => ({ path, revision, range }));
  const newest: FeatureRow[] = [];
  for await (const rows of reader.latest({ view, slices })) newest.push(...rows);
  const online: FeatureRow[] = [];
  for await (const rows of (await of.watcher.online()).scan(onlineTableOf(of.project.name, view)))
    online.push(...rows);
  const sorted = (rows: readonly FeatureRow[]) =>
    rows.toSorted((a, b) => Number(a.key[0]) - Number(b.key[0]));
  expect(online).toHaveLength(5);
  expect(sorted(online)).toEqual(sorted(newest));
}

describe('in the middle of a backfill', () => {
  test('Redis may stop and come back', { timeout: 90_000 }, async () => {
    const redis = await ownRedis();
    cleanups.push(() => redis.remove());
    await redis.start();
    const of = await disturbed(async () => ({ all: { redisUrl: redis.url } }));
    const run = await backfill(of);
    await redis.stop('SIGTERM');
    await sleep(2_000);
    await expectUnfinished(of);
    await redis.start();
    expect(await run.result()).toMatchObject({ failed: [] });
    await expectComplete(of);
  });

  test('Redis may hang for longer than its clients wait', { timeout: 90_000 }, async () => {
    const redis = await ownRedis();
    cleanups.push(() => redis.remove());
    await redis.start();
    const of = await disturbed(async () => ({ all: { redisUrl: redis.url } }));
    const run = await backfill(of);
    redis.signal('SIGSTOP');
    await sleep(7_000);
    await expectUnfinished(of);
    redis.signal('SIGCONT');
    expect(await run.result()).toMatchObject({ failed: [] });
    await expectComplete(of);
  });

  test('Postgres may be out of reach for a while', { timeout: 90_000 }, async () => {
    let way: Cuttable | undefined;
    const of = await disturbed(async ({ databaseUrl }) => {
      const opened = await cuttable(databaseUrl);
      cleanups.push(() => opened.close());
      way = opened;
      return { worker: { databaseUrl: opened.url } };
    });
    const run = await backfill(of);
    way?.cut();
    await sleep(4_000);
    await expectUnfinished(of);
    way?.mend();
    expect(await run.result()).toMatchObject({ failed: [] });
    await expectComplete(of);
  });

  test('Temporal may be killed and started again', { timeout: 90_000 }, async () => {
    const temporal = await ownTemporal();
    cleanups.push(() => temporal.remove());
    await temporal.start();
    const of = await disturbed(async () => ({ all: { temporalAddress: temporal.address } }));
    const { client } = await of.watcher.temporal();
    const run = await backfill(of);
    await temporal.stop('SIGKILL');
    await sleep(2_000);
    await expectUnfinished(of);
    await temporal.start();
    const totals = await client.workflow.getHandle(run.id).result();
    expect(totals).toMatchObject({ failed: [] });
    await expectComplete(of);
  });
});

describe.concurrent('at the start', () => {
  let silent: Server;
  let refused: number;

  beforeAll(async () => {
    refused = await freePort();
    silent = createServer(() => {});
    await new Promise<void>((resolve) => silent.listen(0, '127.0.0.1', resolve));
    cleanups.push(async () => silent.close());
  });

  const SECRET = 's3cretWord';
  const SERVERS = [
    {
      name: 'Postgres',
      variable: 'DATABASE_URL',
      at: (port: number) => `postgres://user:${SECRET}@127.0.0.1:${port}/db`,
    },
    {
      name: 'Redis',
      variable: 'REDIS_URL',
      at: (port: number) => `redis://user:${SECRET}@127.0.0.1:${port}`,
    },
    { name: 'Temporal', variable: 'TEMPORAL_ADDRESS', at: (port: number) => `127.0.0.1:${port}` },
  ] as const;
  const FAULTS = [
    { what: 'refuses connections', port: () => refused },
    { what: 'accepts connections and says nothing', port: () => (silent.address() as AddressInfo).port },
  ] as const;

  describe.each(SERVERS)('$name that', ({ variable, at }) => {
    test.each(FAULTS)(
      '$what is one clear error of the command, soon and without secrets',
      { timeout: 30_000 },
      async ({ port }) => {
        const { env } = await testProject(shop('0 * * * *'));
        let heard = '';
        const stream = () =>
          new Writable({
            write(text, _encoding, done) {
              heard += String(text);
              done();
            },
          });
        const began = performance.now();
        const code = await main(['backfill', 'spend'], {
          env: { ...env, [variable]: at(port()) },
          streams: { stdout: stream(), stderr: stream() },
        });
        expect(performance.now() - began).toBeLessThan(25_000);
        expect(code).toBe(1);
        expect(heard).toMatch(
          new RegExp(`^STACK_UNAVAILABLE: Cannot use the \\w+ of ${variable}: [^\\n]+\\n$`),
        );
        expect(heard).not.toContain(SECRET);
      },
    );
  });

  const OPENINGS = [
    {
      name: 'Postgres',
      change: (port: number) => ({ databaseUrl: SERVERS[0].at(port) }),
      open: (on: Platform) => on.registry(),
    },
    {
      name: 'Redis',
      change: (port: number) => ({ redisUrl: SERVERS[1].at(port) }),
      open: (on: Platform) => on.online(),
    },
    {
      name: 'Temporal',
      change: (port: number) => ({ temporalAddress: SERVERS[2].at(port) }),
      open: (on: Platform) => on.temporal(),
    },
  ] as const;

  // Between the stack's look at the servers and their first use.
  describe.each(OPENINGS)('$name, lost just before it is used, that', ({ change, open }) => {
    test.each(FAULTS)('$what is STORE_UNAVAILABLE', async ({ port }) => {
      const { platform, repo } = await testProject(shop('0 * * * *'));
      const addresses = { ...platform.addresses, ...change(port()) };
      const on = compose({ config: platform.config, addresses, baseDir: repo.dir });
      const began = performance.now();
      const error = await open(on).then(
        () => undefined,
        (thrown: unknown) => thrown as TidemarkError,
      );
      await on.close();
      expect(performance.now() - began).toBeLessThan(25_000);
      expect(error).toMatchObject({ code: 'STORE_UNAVAILABLE' });
      expect(messageOf(error)).toMatch(/^Cannot [^\n]+\.$/);
      expect(messageOf(error)).not.toContain(SECRET);
    });
  });

  test.each(FAULTS)(
    'a worker whose Temporal $what is STORE_UNAVAILABLE',
    { timeout: 30_000 },
    async ({ port }) => {
      const project = await testProject(shop('0 * * * *'));
      const addresses = { ...project.platform.addresses, temporalAddress: `127.0.0.1:${port()}` };
      const platform = compose({ config: project.platform.config, addresses, baseDir: project.repo.dir });
      cleanups.push(() => platform.close());
      const began = performance.now();
      await expect(runWorkerHere({ ...project, platform })).rejects.toMatchObject({
        code: 'STORE_UNAVAILABLE',
        message: expect.stringMatching(/^Cannot reach Temporal at 127\.0\.0\.1:\d+: [^\n]+$/),
      });
      expect(performance.now() - began).toBeLessThan(25_000);
    },
  );
});
