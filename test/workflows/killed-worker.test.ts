import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import pg from 'pg';
import { afterAll, expect, test } from 'vitest';
import type { FeatureRow } from '../../src/core/rows.ts';
import { formatTime, type Micros, systemClock } from '../../src/core/time.ts';
import { watermarkOf } from '../../src/ledger/watermark.ts';
import { firstTick } from '../../src/materialize/due-range.ts';
import { onlineTableOf } from '../../src/online/online-table.ts';
import { createRedisOnlineStore } from '../../src/online/redis/redis-online-store.ts';
import { materializeId } from '../../src/orchestrate/ids.ts';
import { startBackfill } from '../../src/orchestrate/runs.ts';
import { appliedBatchView } from '../../src/registry/applied-manifest.ts';
import { type OwnRedis, ownRedis } from '../support/own-redis.ts';
import { appliedProject, type TestProject } from '../support/project.ts';
import { shop } from '../support/shop.ts';
import { workerProcess } from '../support/worker-process.ts';

/** Minutes of ten days: eight chunks. */
const CHUNKS = 8;
const redises: OwnRedis[] = [];

afterAll(async () => {
  for (const redis of redises) await redis.remove();
});

interface Case {
  readonly project: TestProject;
  readonly redis: OwnRedis;
  readonly env: Readonly<Record<string, string>>;
  /** How many attempts are in a state. */
  count(condition: string): Promise<number>;
}

const target = ({ project }: Case) => ({ project: project.name, view: 'spend', version: 1 });

async function makeCase(): Promise<Case> {
  const project = await appliedProject(shop('* * * * *'));
  const { client } = await project.platform.temporal();
  // Minutes that fall due while the test runs would be other work.
  await client.schedule
    .getHandle(materializeId({ project: project.name, view: 'spend', version: 1 }))
    .pause();
  const redis = await ownRedis();
  redises.push(redis);
  await redis.start();
  const pool = new pg.Pool({ connectionString: project.env.DATABASE_URL, max: 1 });
  pool.on('error', () => {});
  return {
    project,
    redis,
    env: { ...project.env, REDIS_URL: redis.url },
    async count(condition) {
      const { rows } = await pool.query<{ n: number }>(
        `select count(*)::integer as n from tidemark.ledger_attempts where ${condition}`,
      );
      return rows[0]?.n ?? 0;
    },
  };
}

async function start(of: Case) {
  const { project } = of;
  const view = await appliedBatchView(await project.platform.registry(), target(of));
  const now = systemClock();
  const end = now - (now % 86_400_000_000n);
  const range = { start: view.startTime, end: formatTime(end as Micros) };
  return await startBackfill((await project.platform.temporal()).client, { ...target(of), range });
}

async function until(what: string, check: () => Promise<boolean>): Promise<void> {
  const deadline = performance.now() + 60_000;
  while (!(await check())) {
    if (performance.now() > deadline) throw new Error(`Waited in vain until ${what}.`);
    await sleep(5);
  }
}

/** Everything that a reader can see, without the project's name. */
async function stateOf(of: Case) {
  const { project, redis } = of;
  const ledger = await project.platform.ledger();
  const view = await appliedBatchView(await project.platform.registry(), target(of));
  const files = await Promise.all(
    (await ledger.files(target(of))).map(async ({ path, committedAt: _when, ...file }) => ({
      ...file,
      onDisk: createHash('sha256')
        .update(await readFile(join(project.platform.config.offline, path)))
        .digest('hex'),
    })),
  );
  const store = await createRedisOnlineStore({ url: redis.url, clock: systemClock });
  const rows: FeatureRow[] = [];
  for await (const batch of store.scan(onlineTableOf(project.name, view))) rows.push(...batch);
  await store.close();
  const coverage = await ledger.coverage(target(of));
  return {
    files,
    online: rows.toSorted((a, b) => String(a.key).localeCompare(String(b.key))),
    watermark: watermarkOf(firstTick(view), coverage),
    unfinished: [...coverage.running, ...coverage.held, ...coverage.approved, ...coverage.failed],
  };
}

test('a backfill whose worker is killed twice in the middle leaves exactly what an undisturbed one leaves', {
  timeout: 120_000,
}, async () => {
  const killed = await makeCase();
  const run = await start(killed);

  let worker = await workerProcess(killed.env);
  await until('some chunks are done and one is running', async () => {
    return (await killed.count(`state = 'done'`)) >= 2 && (await killed.count(`state = 'running'`)) > 0;
  });
  await worker.kill('SIGKILL');
  const first = await killed.count(`state = 'done'`);
  expect(first).toBeLessThan(CHUNKS - 2);

  worker = await workerProcess(killed.env);
  await until('the work goes on', async () => (await killed.count(`state = 'done'`)) > first);
  // A store that does not answer holds the next chunk between what it staged and what it commits.
  killed.redis.signal('SIGSTOP');
  await until('a chunk is staged', async () => {
    return (await killed.count(`state = 'running' and staged_at is not null`)) === 1;
  });
  await worker.kill('SIGKILL');
  killed.redis.signal('SIGCONT');
  const second = await killed.count(`state = 'done'`);
  expect(second).toBeLessThan(CHUNKS);
  expect(await killed.count(`state = 'running' and staged_at is not null`)).toBe(1);

  worker = await workerProcess(killed.env);
  const totals = await run.result();
  await worker.kill('SIGTERM');
  expect(totals).toMatchObject({ failed: [], held: [], chunksDone: CHUNKS });
  // The first kill may have fallen between two chunks.
  expect(await killed.count('taken_over')).toBeGreaterThanOrEqual(1);

  const undisturbed = await makeCase();
  const other = await start(undisturbed);
  worker = await workerProcess(undisturbed.env);
  await other.result();
  await worker.kill('SIGTERM');

  const [found, expected] = [await stateOf(killed), await stateOf(undisturbed)];
  expect(expected.files).toHaveLength(CHUNKS);
  expect(expected.online).toHaveLength(5);
  expect(expected.unfinished).toEqual([]);
  for (const { digest, onDisk } of expected.files) expect(onDisk).toBe(digest);
  expect(found).toEqual(expected);
});
