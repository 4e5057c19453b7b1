import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeAll, expect, test } from 'vitest';
import { addDuration, durationOf, timeOf } from '../../src/core/time.ts';
import { appliedBatchView } from '../../src/registry/applied-manifest.ts';
import { tidemark } from '../support/command-line.ts';
import { materializeHere } from '../support/materialize-here.ts';
import { appliedProject, type TestProject } from '../support/project.ts';
import { type ServerProcess, serverProcess } from '../support/server-process.ts';
import { shop } from '../support/shop.ts';

let project: TestProject;
let server: ServerProcess;

beforeAll(async () => {
  project = await appliedProject(shop('0 * * * *'));
  expect((await run('backfill', 'spend')).code).toBe(0);
  server = await serverProcess(project.env);
});

const run = (...args: readonly string[]) => tidemark(args, { env: project.env });
const measure = (...args: readonly string[]) =>
  run('loadtest', '--service', 'model', '--duration', '300ms', '--connections', '2', ...args);

test.each([
  ['the library', () => []],
  ['a running server', () => ['--url', server.url]],
])('%s is measured with entities that are really there', async (_through, args) => {
  const ended = await measure('--entities', '1,20', '--json', ...args());
  expect(ended).toMatchObject({ code: 0, stderr: '' });
  const { keys, measurements } = JSON.parse(ended.stdout);
  expect(keys).toBe(5);
  expect(measurements.map((one: { entities: number }) => one.entities)).toEqual([1, 20]);
  for (const one of measurements) {
    expect(one.errors).toBe(0);
    expect(one.requests).toBeGreaterThan(10);
    expect(one.p50).toBeGreaterThan(0);
    expect([one.p50, one.p90, one.p99, one.p999]).toEqual(
      [one.p50, one.p90, one.p99, one.p999].toSorted((a, b) => a - b),
    );
  }
  const metrics = await (await fetch(`${server.url}/metrics`)).text();
  expect(metrics).not.toContain('status="NOT_FOUND"');
});

test('people get a table, for entity rows of their own', async () => {
  const keys = join(project.home, 'keys.jsonl');
  await writeFile(keys, '{"user_id": 1}\n\n{"user_id": 9007199254740993}\n');
  const ended = await measure('--entities', '3', '--keys', keys);
  expect(ended.code).toBe(0);
  expect(ended.stdout).toMatch(
    /^entities +requests\/s +errors +p50 +p90 +p99 +p99\.9\n3 +[\d,]+ +0 +\d+\.\d\d ms/,
  );
});

test('bad input is one clear error', async () => {
  const keys = join(project.home, 'bad.jsonl');
  await writeFile(keys, '{"user_id": 1}\n[2]\n');
  const wrongKeys = await measure('--keys', keys);
  expect(wrongKeys).toMatchObject({ code: 1, stderr: expect.stringContaining('line 2 is no JSON object') });
  const typo = await run('loadtest', '--service', 'modell');
  expect(typo).toMatchObject({ code: 1, stderr: expect.stringContaining('Did you mean "model"?') });
  const nobody = await measure('--url', 'http://127.0.0.1:9', '--entities', '1');
  expect(nobody).toMatchObject({
    code: 1,
    stderr: expect.stringContaining('STORE_UNAVAILABLE: Cannot reach'),
  });
  expect(await measure('--entities', '0')).toMatchObject({ code: 2 });
});

test('entities are found in a file of which a restatement has left parts without rows', async () => {
  const definitions = `
export const thisProject = project({ name: '<project>' });
export const user = entity({ name: 'user', joinKeys: { user_id: 'int64' } });
export const events = parquetSource({ name: 'events', path: 'events.parquet', timestampField: 'at' });
export const seen = batchFeatureView({ name: 'seen', version: 1, entities: [user], source: events, schedule: '0 * * * *',
  startTime: '<start>', features: { v: 'int64' } });
export const model = featureService({ name: 'model', features: [seen] });`;
  const data = {
    'events.parquet': `SELECT i % 7 AS user_id, TIMESTAMP '<start>' + to_microseconds(i * 1000) AS at, i AS v FROM range(200000) t(i)`,
  };
  const restated = await appliedProject({ definitions, data, days: 1 });
  const view = await appliedBatchView(await restated.platform.registry(), {
    project: restated.name,
    view: 'seen',
    version: 1,
  });
  const hour = (n: number) => addDuration(timeOf(view.startTime), durationOf(`${n}h`));
  await materializeHere(restated, { view, range: { start: hour(0), end: hour(6) } });
  await materializeHere(restated, { view, range: { start: hour(2), end: hour(3) }, restate: true });
  const ended = await tidemark(
    ['loadtest', '--service', 'model', '--duration', '100ms', '--entities', '1', '--json'],
    {
      env: restated.env,
    },
  );
  expect(ended).toMatchObject({ code: 0, stderr: '' });
  expect(JSON.parse(ended.stdout).keys).toBe(7);
});
