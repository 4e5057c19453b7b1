import { join } from 'node:path';
import { PassThrough } from 'node:stream';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { main } from '../../src/cli/main.ts';
import { runWorkerHere } from '../../src/cli/worker-here.ts';
import { addDuration, durationOf, timeOf } from '../../src/core/time.ts';
import { appliedBatchView } from '../../src/registry/applied-manifest.ts';
import type { LeakageReport } from '../../src/training/check-leakage.ts';
import { writeRows } from '../support/feature-repo.ts';
import { materializeHere } from '../support/materialize-here.ts';
import { appliedProject, type TestProject } from '../support/project.ts';

/**
 * Two thousand customers with an outcome, and what is known of them: `spend` is honest, `coin` is random, `refunded`
 * is the outcome itself under another name, `answered_at` is there only for those with the outcome, `session` is an id
 * of its own for each, and `last_pages` is a list.
 */
const definitions = `
export const thisProject = project({ name: '<project>' });
export const customer = entity({ name: 'customer', joinKeys: { customer: 'int64' } });
export const facts = parquetSource({ name: 'facts', path: 'facts.parquet', timestampField: 'at' });
export const profile = batchFeatureView({
  name: 'profile', version: 1, entities: [customer], source: facts, schedule: '0 * * * *', startTime: '<start>', ttl: '30d',
  features: {
    spend: 'float64', coin: 'float64', refunded: 'int64', answered_at: 'timestamp', session: 'string', last_pages: 'array<string>',
  },
});`;

const random = (seed: string) => `(md5_number_lower(i || '${seed}') / 18446744073709551616.0::DOUBLE)`;
const OUTCOME = `(${random('outcome')} < 0.3)`;
let project: TestProject;
let worker: Awaited<ReturnType<typeof runWorkerHere>>;

beforeAll(async () => {
  project = await appliedProject({
    definitions,
    days: 1,
    data: {
      'facts.parquet': `SELECT i::BIGINT AS customer, TIMESTAMP '<start>' + to_seconds(i) AS at,
        ${random('outcome')} + 2 * ${random('spend')} AS spend, ${random('coin')} AS coin, ${OUTCOME}::BIGINT AS refunded,
        if(${OUTCOME}, TIMESTAMP '<start>' + to_seconds(i * 7919 % 2000), NULL) AS answered_at, md5(i::VARCHAR) AS session, ['home', 'p' || i % 3] AS last_pages
        FROM range(2000) t(i)`,
    },
  });
  const { platform, name } = project;
  const view = await appliedBatchView(await platform.registry(), {
    project: name,
    view: 'profile',
    version: 1,
  });
  const start = timeOf(view.startTime);
  await materializeHere(project, { view, range: { start, end: addDuration(start, durationOf('2h')) } });
  worker = await runWorkerHere(project, { brief: true });
  await writeRows(
    join(project.home, 'rows.parquet'),
    `SELECT i::BIGINT AS customer, TIMESTAMP '${view.startTime.slice(0, 19).replace('T', ' ')}' + INTERVAL 90 MINUTE AS at, ${OUTCOME} AS outcome,
     'ticket' || i AS ticket, if(${OUTCOME}, 'late', 'never') AS complained FROM range(2000) t(i)`,
  );
});

afterAll(() => worker.stop());

async function cli(...args: readonly string[]) {
  const streams = { stdout: new PassThrough(), stderr: new PassThrough() };
  const code = await main(args, { env: project.env, cwd: project.home, streams });
  const text = (stream: PassThrough) => String(stream.read() ?? '');
  return { code, stdout: text(streams.stdout), stderr: text(streams.stderr) };
}

const train = ['train', 'profile:*', '--spine', 'rows.parquet', '--timestamp', 'at', '--no-statistics'];

test('train --check-leakage ranks what predicts the label, and marks what is too good to be true', async () => {
  const { code, stdout } = await cli(...train, '--label', 'outcome', '--check-leakage');
  expect(code).toBe(0);
  const lines = stdout.split('\n').map((line) => line.trim());
  expect(lines).toContainEqual(
    expect.stringMatching(/^refunded +1\.0000 +its values +int64 +feature +IMPOSSIBLE$/),
  );
  expect(lines).toContainEqual(
    expect.stringMatching(/^answered_at +1\.0000 +being null +timestamp +feature +IMPOSSIBLE$/),
  );
  expect(lines).toContainEqual(
    expect.stringMatching(/^complained +1\.0000 +its values +string +entity row +IMPOSSIBLE$/),
  );
  expect(lines).toContainEqual(expect.stringMatching(/^session +0\.5000 +its values +string +feature$/));
  expect(lines).toContain('not measured: last_pages (array<string>)');
  expect(stdout).toContain('Too good to be true: answered_at, complained, refunded.');
});

test('dataset leakage says the same of a set that is there, as JSON too', async () => {
  const trained = JSON.parse((await cli(...train, '--label', 'outcome', '--check-leakage', '--json')).stdout);
  const report = JSON.parse((await cli('dataset', 'leakage', trained.id, '--json')).stdout) as LeakageReport;
  expect(report).toEqual(trained.leakage);
  expect(report).toMatchObject({
    id: trained.id,
    label: 'outcome',
    measure: 'AUC',
    rows: 2000,
    sampled: false,
  });
  const names = report.columns.map(({ name }) => name);
  expect(names.slice(0, 3)).toEqual(['answered_at', 'complained', 'refunded']);
  expect(names[3]).toBe('spend');
  expect(names.slice(4).toSorted()).toEqual(['coin', 'session', 'ticket']);
  expect(report.columns.filter(({ impossible }) => impossible).map(({ name }) => name)).toEqual(
    names.slice(0, 3),
  );
  const score = (name: string) => report.columns.find((column) => column.name === name)?.score ?? Number.NaN;
  expect(score('spend')).toBeGreaterThan(0.65);
  expect(score('spend')).toBeLessThan(0.8);
  for (const name of ['coin', 'session', 'ticket']) expect(score(name)).toBeLessThan(0.55);
  expect(report.skipped).toEqual([{ name: 'last_pages', type: 'array<string>' }]);
});

test.each([
  { split: 'time:80/20' },
  { format: 'csv' },
  { format: 'arrow', split: 'time:80/20' },
  { 'rows-per-file': '900' },
])('a set in other files gives the same ranking (%j)', async (layout) => {
  const args = Object.entries(layout).flatMap(([name, value]) => [`--${name}`, value]);
  const { stdout } = await cli(...train, '--label', 'outcome', '--check-leakage', '--json', ...args);
  const { columns } = JSON.parse(stdout).leakage as LeakageReport;
  expect(columns.filter(({ impossible }) => impossible).map(({ name }) => name)).toEqual([
    'answered_at',
    'complained',
    'refunded',
  ]);
});

test('a set in Arrow is measured as the same set in Parquet is, to the digit', async () => {
  const measured = async (...more: readonly string[]) => {
    const { stdout } = await cli(...train, '--label', 'outcome', '--check-leakage', '--json', ...more);
    const { id: _, ...report } = JSON.parse(stdout).leakage as LeakageReport;
    return report;
  };
  expect(await measured('--format', 'arrow')).toEqual(await measured());
});

test('a few rows are not enough to call anything impossible', async () => {
  await writeRows(
    join(project.home, 'few.parquet'),
    `SELECT * FROM '${join(project.home, 'rows.parquet')}' WHERE customer < 60`,
  );
  const few = ['train', 'profile:*', '--spine', 'few.parquet', '--timestamp', 'at', '--no-statistics'];
  const { stdout } = await cli(...few, '--label', 'outcome', '--check-leakage');
  expect(stdout).toMatch(/refunded +1\.0000/);
  expect(stdout).toContain('No column is too good to be true.');
});

test('what cannot be checked is one clear error', async () => {
  const unlabelled = JSON.parse((await cli(...train, '--json')).stdout);
  expect((await cli('dataset', 'leakage', unlabelled.id)).stderr).toContain(
    'it has no label; build it with --label',
  );
  expect((await cli(...train, '--check-leakage')).stderr).toContain('--check-leakage needs a --label');
  const list = ['--label', 'profile:last_pages', '--horizon', '10m', '--full-names', '--check-leakage'];
  const early = ['train', 'profile:coin', '--spine', 'early.parquet', '--timestamp', 'at', '--no-statistics'];
  await writeRows(
    join(project.home, 'early.parquet'),
    `SELECT customer, "at" - INTERVAL 90 MINUTE AS "at", 1 AS same FROM '${join(project.home, 'rows.parquet')}'`,
  );
  expect((await cli(...early, ...list)).stderr).toContain(
    'its label "label__profile__last_pages" is array<string>, which cannot be predicted',
  );
  expect((await cli(...early, '--label', 'same', '--check-leakage')).stderr).toContain(
    'its label "same" is the same in all rows',
  );
});
