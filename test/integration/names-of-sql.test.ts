import { join } from 'node:path';
import { PassThrough } from 'node:stream';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { main } from '../../src/cli/main.ts';
import { runWorkerHere } from '../../src/cli/worker-here.ts';
import { writeRows } from '../support/feature-repo.ts';
import { appliedProject, type TestProject } from '../support/project.ts';

/** All that people name is a word of SQL. */
const definitions = `
export const thisProject = project({ name: '<project>' });
export const order = entity({ name: 'order', joinKeys: { order: 'int64', user: 'string' } });
export const table = parquetSource({ name: 'table', path: 'table.parquet', timestampField: 'at', createdTimestampField: 'end' });
const common = { entities: [order], schedule: '0 * * * *', startTime: '<start>', ttl: '1d' };
export const select = batchFeatureView({ ...common, name: 'select', version: 1, source: table,
  features: { limit: 'float64', group: 'int64' } });
export const from = batchFeatureView({ ...common, name: 'from', version: 1, source: table,
  aggregations: { having: sum('limit', '2h'), desc: last('group', '2h', { where: '"limit" > 0' }), case: countDistinct('end', '2h') } });
export const where = batchFeatureView({ ...common, name: 'where', version: 1, sources: [table], timestampField: 'at',
  features: { union: 'float64' },
  sql: \`SELECT "order", "user", "at", "limit" AS union FROM "table" WHERE "at" >= $interval_start AND "at" < $interval_end\` });
export const offset = featureService({ name: 'offset', features: [select, from, where] });`;

let project: TestProject;
let worker: Awaited<ReturnType<typeof runWorkerHere>>;

beforeAll(async () => {
  project = await appliedProject({
    definitions,
    days: 1,
    data: {
      'table.parquet': `SELECT i % 5 AS "order", 'u' AS "user", TIMESTAMP '<start>' + to_minutes(i) AS "at", "at" + INTERVAL 1 SECOND AS "end",
        i * 0.5 AS "limit", i AS "group" FROM range(180) t(i)`,
    },
  });
  worker = await runWorkerHere(project, { brief: true });
  await writeRows(
    join(project.home, 'spine.parquet'),
    `SELECT i % 5 AS "order", 'u' AS "user", now()::TIMESTAMP - INTERVAL 20 HOUR + to_seconds(i) AS "check", i % 2 AS "default", i AS "primary" FROM range(50) t(i)`,
  );
});

afterAll(() => worker.stop());

async function cli(...args: readonly string[]) {
  const streams = { stdout: new PassThrough(), stderr: new PassThrough() };
  const code = await main(args, { env: project.env, cwd: project.home, streams });
  const text = (stream: PassThrough) => String(stream.read() ?? '');
  return { code, stdout: text(streams.stdout), stderr: text(streams.stderr) };
}

const asked = ['--spine', 'spine.parquet', '--timestamp', 'check'];

test.each([
  [['materialize', 'select'], '180 rows'],
  [['materialize', 'from'], '25 rows'],
  [['materialize', 'where'], '180 rows'],
  [['train', '--service', 'offset', ...asked, '--label', 'default', '--check-leakage'], '50 rows'],
  [['train', '--service', 'offset', ...asked, '--split', 'entity:60/20/20', '--format', 'csv'], '50 rows'],
  [['train', '--service', 'offset', ...asked, '--known-at', 'row', '--format', 'arrow'], '50 rows'],
  [['train', 'select:*', ...asked, '--label', 'where:union', '--horizon', '10m', '--full-names'], '50 rows'],
])('what people name may be called as SQL calls its own: %j', async (args, said) => {
  const { code, stdout, stderr } = await cli(...args);
  expect({ code, stdout }, stderr).toEqual({ code: 0, stdout: expect.stringContaining(said) });
});

test('a column that is called so and not quoted in a query is one error, which says what to do', async () => {
  const query = 'SELECT user, order, at AS moment FROM "table"';
  const { code, stderr } = await cli(
    'train',
    'select:*',
    '--query',
    query,
    '--timestamp',
    'moment',
    '--json',
  );
  expect({ code, error: JSON.parse(stderr).error }).toEqual({
    code: 1,
    error: {
      code: 'SPINE_INVALID',
      message:
        'Cannot use the spine query: syntax error at or near "," (line 1, character 19): ' +
        '"order" is a word of SQL, and the column of that name is written "order", in double quotes.',
    },
  });
});
