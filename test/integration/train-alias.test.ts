import { join } from 'node:path';
import { PassThrough } from 'node:stream';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { main } from '../../src/cli/main.ts';
import { runWorkerHere } from '../../src/cli/worker-here.ts';
import { addDuration, durationOf, timeOf } from '../../src/core/time.ts';
import { appliedBatchView } from '../../src/registry/applied-manifest.ts';
import { testEngine, writeRows } from '../support/feature-repo.ts';
import { materializeHere } from '../support/materialize-here.ts';
import { appliedProject, type TestProject } from '../support/project.ts';

/** Three airports, whose wind changes once in the first hour; a flight reads it where it starts and where it lands. */
const definitions = `
export const thisProject = project({ name: '<project>' });
export const airport = entity({ name: 'airport', joinKeys: { airport: 'string' } });
export const reports = parquetSource({ name: 'reports', path: 'reports.parquet', timestampField: 'at' });
export const weather = batchFeatureView({
  name: 'weather', version: 1, entities: [airport], source: reports, schedule: '0 * * * *', startTime: '<start>', ttl: '1d',
  features: { wind: 'float64' },
});`;

let project: TestProject;
let worker: Awaited<ReturnType<typeof runWorkerHere>>;

beforeAll(async () => {
  project = await appliedProject({
    definitions,
    days: 1,
    data: {
      'reports.parquet': `SELECT airport, TIMESTAMP '<start>' + to_minutes(m) AS at, wind FROM (VALUES
        ('SEA', 10, 1.0), ('SEA', 40, 2.0), ('JFK', 10, 10.0), ('JFK', 40, 20.0), ('DFW', 10, 100.0)) t(airport, m, wind)`,
    },
  });
  const { platform, name } = project;
  const registry = await platform.registry();
  const view = await appliedBatchView(registry, { project: name, view: 'weather', version: 1 });
  const start = timeOf(view.startTime);
  await materializeHere(project, { view, range: { start, end: addDuration(start, durationOf('2h')) } });
  worker = await runWorkerHere(project, { brief: true });
  await writeRows(
    join(project.home, 'flights.parquet'),
    `SELECT flight, airport, dest, TIMESTAMP '${view.startTime.slice(0, 19).replace('T', ' ')}' + to_minutes(m) AS event_timestamp FROM (VALUES
      (1, 'SEA', 'JFK', 20), (2, 'SEA', 'JFK', 50), (3, 'JFK', 'DFW', 50), (4, 'DFW', NULL, 50), (5, 'LAX', 'SEA', 5)) t(flight, airport, dest, m)`,
  );
});

afterAll(() => worker.stop());

async function cli(...args: readonly string[]) {
  const streams = { stdout: new PassThrough(), stderr: new PassThrough() };
  const code = await main(args, { env: project.env, cwd: project.home, streams });
  const text = (stream: PassThrough) => String(stream.read() ?? '');
  return { code, stdout: text(streams.stdout), stderr: text(streams.stderr) };
}

const train = ['train', 'weather:wind', '--spine', 'flights.parquet', '--no-statistics', '--json'];

test('train --alias reads one view by two columns of the entity rows', async () => {
  const aliases = ['--alias', 'weather:from_', '--alias', 'weather:to_:airport=dest'];
  const { code, stdout, stderr } = await cli(...train, ...aliases);
  expect(stderr).not.toContain('Cannot');
  expect(code).toBe(0);
  const { path, nullShares } = JSON.parse(stdout);
  expect(nullShares).toEqual({ from_wind: 0.2, to_wind: 0.4 });
  const { withConnection } = await testEngine();
  const rows = await withConnection((connection) =>
    connection.runAndReadAll(`SELECT flight, from_wind, to_wind FROM '${path}'`),
  );
  expect(rows.getRows()).toEqual([
    [1, 1, 10],
    [2, 2, 20],
    [3, 20, 100],
    [4, 100, null],
    [5, null, null],
  ]);
});

test.each([
  [
    'weather:from_:airprot=dest',
    'Cannot read view "weather" under an alias of "airprot": its join keys are "airport".',
  ],
  [
    'wether:from_',
    'Cannot read view "wether" under an alias: no feature of a batch view of that name is asked for.',
  ],
  [
    'weather:from_:airport=destination',
    'it has no column "destination" for join key "airport" of weather@v1',
  ],
])('train --alias %s is one clear error', async (alias, said) => {
  const { code, stdout, stderr } = await cli(...train, '--alias', alias);
  expect({ code, stdout }).toEqual({ code: 1, stdout: '' });
  expect(JSON.parse(stderr).error.message).toContain(said);
});

test('two readings of one view that would have one name are one clear error', async () => {
  const { code, stderr } = await cli(...train, '--alias', 'weather:a_', '--alias', 'weather:a_:airport=dest');
  expect(code).toBe(1);
  expect(JSON.parse(stderr).error.message).toContain('Cannot name two outputs "a_wind"');
});
