import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { runWorkerHere } from '../../src/cli/worker-here.ts';
import { startBackfill } from '../../src/orchestrate/runs.ts';
import type { RunningWorker } from '../../src/orchestrate/worker.ts';
import { appliedProject, type TestProject } from '../support/project.ts';
import { shop } from '../support/shop.ts';

let project: TestProject;
let worker: RunningWorker;
const said: string[] = [];

beforeAll(async () => {
  project = await appliedProject(shop('0 * * * *'));
  worker = await runWorkerHere({
    ...project,
    output: { ...project.output, say: (line) => said.push(line) },
  });
});
afterAll(() => worker?.stop());

test('a source that stays unreadable ends its run within seconds, and is told once', async () => {
  await writeFile(join(project.repo.dir, 'orders/orders.parquet'), 'x');
  const { client } = await project.platform.temporal();
  const began = performance.now();
  const run = await startBackfill(client, { project: project.name, view: 'spend', version: 1 });
  await expect(run.result()).rejects.toMatchObject({
    code: 'SOURCE_UNREADABLE',
    message: expect.stringContaining('too small to be a Parquet file'),
  });
  // Twelve attempts would take more than two minutes.
  expect(performance.now() - began).toBeLessThan(20_000);
  const told = said.filter((line) => line.includes('too small to be'));
  expect(told.length).toBeGreaterThan(0);
  expect(new Set(told).size).toBe(told.length);
});
