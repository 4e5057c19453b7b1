import { createHash } from 'node:crypto';
import { readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { startTraining } from '../../src/cli/train-here.ts';
import { runWorkerHere } from '../../src/cli/worker-here.ts';
import { describeRun } from '../../src/orchestrate/describe-run.ts';
import { buildProgress, commandRun, follow, startBackfill } from '../../src/orchestrate/runs.ts';
import { findTrainingSet, trainingSetFolder } from '../../src/training/training-set-folder.ts';
import { verifyTrainingSet } from '../../src/training/verify-training-set.ts';
import { appliedProject, type TestProject } from '../support/project.ts';
import { shop } from '../support/shop.ts';
import { tidemarkHere } from '../support/tidemark-here.ts';
import { type WorkerProcess, workerProcess } from '../support/worker-process.ts';

/** Enough for a build to be seen while it writes. */
const ROWS = 2_000_000;

/**
 * A function that takes its time for as long as there is a file `slow` in the repository. What it does is beside it:
 * a set is named by the function's text, which the test runner changes where it uses an import.
 */
const SLOW = `
import { existsSync } from 'node:fs';
const clock = new Int32Array(new SharedArrayBuffer(4));
const file = import.meta.dirname + '/slow';
let calls = 0;
globalThis.nap = () => existsSync(file) && (++calls % 10 > 0 || Atomics.wait(clock, 0, 0, 1) !== 'ok');
export const slow = onDemandFeatureView({
  name: 'slow', inputs: { spend }, features: { nap: 'bool' }, transform: () => ({ nap: globalThis.nap() }),
});
`;

let project: TestProject;

const labels = (rows: number) =>
  `SELECT i % 5 AS user_id, i AS label, TIMESTAMP '<start>' + INTERVAL (i % 200000) SECOND AS seen_at FROM range(${rows}) t(i)`;

beforeAll(async () => {
  const { definitions, data } = shop('0 * * * *', SLOW);
  project = await appliedProject({
    definitions,
    data: {
      ...data,
      'labels.parquet': labels(ROWS),
      'few.parquet': labels(100_000),
    },
  });
  const worker = await runWorkerHere(project);
  const { client } = await project.platform.temporal();
  await follow(
    await startBackfill(client, { project: project.name, view: 'spend', version: 1 }),
    () => {},
  ).finally(() => worker.stop());
});

const workers: WorkerProcess[] = [];
afterAll(async () => {
  for (const worker of workers) await worker.kill('SIGKILL').catch(() => undefined);
});

async function startWorker(): Promise<WorkerProcess> {
  const worker = await workerProcess(project.env);
  workers.push(worker);
  return worker;
}

const start = (labelled: string, features: readonly string[]) =>
  startTraining(project, {
    spine: { kind: 'parquet', path: join(project.repo.dir, labelled), timestampField: 'seen_at' },
    features: { kind: 'references', references: features },
    knownAt: 'any',
    fullNames: false,
  });

const idOf = (run: { readonly id: string }) => run.id.replace('training-set/', '');

async function filesOf(run: { readonly id: string }): Promise<readonly string[]> {
  const folder = trainingSetFolder(project.platform.config.offline, project.name, idOf(run));
  return (await readdir(folder).catch(() => [])).toSorted();
}

async function until(what: string, check: () => Promise<boolean>): Promise<void> {
  const deadline = performance.now() + 60_000;
  while (!(await check())) {
    if (performance.now() > deadline) throw new Error(`Waited in vain until ${what}.`);
    await sleep(5);
  }
}

test('a build whose worker is killed while it writes is finished by another, with the id and bytes of an undisturbed one', {
  timeout: 120_000,
}, async () => {
  const run = await start('labels.parquet', ['spend:*']);
  const killed = await startWorker();
  await until('it writes', async () => (await filesOf(run)).some((name) => name.includes('unfinished')));
  await killed.kill('SIGKILL');
  const left = await filesOf(run);
  expect(left).not.toContain('manifest.json');

  const other = await startWorker();
  const result = await run.result();
  await other.kill('SIGTERM');
  expect(result).toMatchObject({ id: idOf(run), rows: ROWS, reused: false });
  expect(await filesOf(run), 'what the dead worker left is gone').toEqual(['data.parquet', 'manifest.json']);

  const { offline: offlineRoot } = project.platform.config;
  const manifest = await findTrainingSet(offlineRoot, project.name, idOf(run));
  const bytes = await readFile(result.path);
  expect(createHash('sha256').update(bytes).digest('hex')).toBe(manifest.data.files[0]?.digest);
  const again = await verifyTrainingSet(manifest, {
    ...(await project.platform.offline()),
    onDemand: project.repo.onDemand,
    offlineRoot,
  });
  expect(again.verdict).toBe('same');
});

test('one set that is asked for twice at once is one run, which tells how far it is and can be cancelled', {
  timeout: 120_000,
}, async () => {
  const { client } = await project.platform.temporal();
  await writeFile(join(project.repo.dir, 'slow'), '');
  const ask = () => start('few.parquet', ['spend:orders_6h', 'slow:nap']);
  const [run, same] = await Promise.all([ask(), ask()]);
  expect(same.id).toBe(run.id);
  const execution = async () => (await client.workflow.getHandle(run.id).describe()).runId;
  const first = await execution();

  const worker = await startWorker();
  await until('it tells that it computes', async () =>
    Boolean((await buildProgress(client, run.id))?.phase.startsWith('computing')),
  );
  expect(await describeRun(client, project.name, run.id)).toMatchObject({
    workflow: 'trainingSet',
    state: 'running',
    progress: { state: 'building', phase: 'computing slow@v1' },
  });
  expect((await ask()).id).toBe(run.id);
  expect(await execution(), 'a third request joins it').toBe(first);

  await commandRun(client, run.id, 'cancel');
  await expect(run.result()).rejects.toMatchObject({ code: 'CANCELLED' });
  expect(await filesOf(run)).toEqual([]);
  await expect(commandRun(client, run.id, 'cancel')).rejects.toMatchObject({ code: 'UNKNOWN_RUN' });

  await rm(join(project.repo.dir, 'slow'));
  expect(await (await ask()).result()).toMatchObject({ id: idOf(run), reused: false });
  expect(await (await ask()).result()).toMatchObject({ id: idOf(run), reused: true });
  await worker.kill('SIGTERM');
});

test('train starts a build and does not wait, and one that is cancelled by its id is told so', async () => {
  const spine = join(project.repo.dir, 'labels.parquet');
  const args = ['train', 'spend:favourite', '--spine', spine, '--timestamp', 'seen_at'];
  const started = await tidemarkHere([...args, '--detach', '--json'], project);
  const { id } = JSON.parse(started.out);
  expect(id).toMatch(/^training-set\/[0-9a-f]{64}$/);
  expect(await tidemarkHere(['train', '--cancel', id], project)).toMatchObject({
    code: 0,
    out: `Cancelling ${id}.\n`,
  });
  const again = await tidemarkHere(['train', '--cancel', 'training-set/nothing'], project);
  expect(again).toMatchObject({
    code: 1,
    err: 'UNKNOWN_RUN: Cannot find a running workflow "training-set/nothing": it never ran, or has ended.\n',
  });
});
