import { join } from 'node:path';
import { PassThrough } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import { beforeAll, expect, test } from 'vitest';
import { main } from '../../src/cli/main.ts';
import { hasWorker } from '../../src/orchestrate/pollers.ts';
import { writeRows } from '../support/feature-repo.ts';
import { appliedProject, type TestProject } from '../support/project.ts';
import { shop } from '../support/shop.ts';
import { workerProcess } from '../support/worker-process.ts';

let project: TestProject;

beforeAll(async () => {
  project = await appliedProject(shop('0 * * * *'));
  await writeRows(
    join(project.home, 'rows.parquet'),
    `SELECT 1::BIGINT AS user_id, TIMESTAMP '2026-01-01' AS event_timestamp`,
  );
});

async function train(...more: readonly string[]) {
  const streams = { stdout: new PassThrough(), stderr: new PassThrough() };
  const args = ['train', 'spend:*', '--spine', 'rows.parquet', '--no-statistics', ...more];
  const code = await main(args, { env: project.env, cwd: project.home, streams });
  return { code, stderr: String(streams.stderr.read() ?? '') };
}

test('a worker that stopped in this very process is not waited for', async () => {
  for (const more of [[], ['--full-names']]) {
    expect(await train(...more)).toMatchObject({
      code: 0,
      stderr: expect.stringContaining('No worker is running for this project: this process works'),
    });
  }
});

test('when the worker of a project goes away before the work is done, the one who waits works', async () => {
  const { client } = await project.platform.temporal();
  const worker = await workerProcess(project.env);
  while (!(await hasWorker(client, project.name))) await sleep(50);
  // It is there, and will do nothing any more.
  process.kill(worker.pid, 'SIGSTOP');
  const training = train('--known-at', 'row');
  await sleep(1_000);
  await worker.kill('SIGKILL');
  expect(await training).toMatchObject({
    code: 0,
    stderr: expect.stringContaining('The worker of this project is gone: this process works'),
  });
});
