import { rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeAll, describe, expect, test } from 'vitest';
import { asOf, type KnownAt } from '../../src/core/as-of.ts';
import type { FeatureRow } from '../../src/core/rows.ts';
import { addDuration, durationOf, formatTime, type Micros, micros, timeOf } from '../../src/core/time.ts';
import { appliedBatchView } from '../../src/registry/applied-manifest.ts';
import { buildTrainingSet } from '../../src/training/build-training-set.ts';
import type { TrainingDeps } from '../../src/training/training-set.ts';
import { verifyTrainingSet } from '../../src/training/verify-training-set.ts';
import { tidemark } from '../support/command-line.ts';
import { testEngine, writeRows } from '../support/feature-repo.ts';
import { materializeHere } from '../support/materialize-here.ts';
import { appliedProject, type TestProject } from '../support/project.ts';
import { trainingDeps } from '../support/training-deps.ts';

/** What the as-of join sees of a source is what was materialized of it: both together, on rows that clash. */
const definitions = `
export const thisProject = project({ name: '<project>' });
export const user = entity({ name: 'user', joinKeys: { user_id: 'int64' } });
const times = { timestampField: 'at', createdTimestampField: 'written_at' };
export const written = parquetSource({ name: 'written', path: 'written.parquet', ...times });
export const plain = parquetSource({ name: 'plain', path: 'written.parquet', timestampField: 'at' });
export const back = parquetSource({ name: 'back', path: 'backwards.parquet', timestampField: 'at' });
const rules = { entities: [user], schedule: '0 0 * * *', startTime: '<start>' };
const features = { row_id: 'int64' };
export const timed = batchFeatureView({ name: 'timed', version: 1, ...rules, source: written, ttl: '7h', dataDelay: '1h', features });
export const timed2 = batchFeatureView({ name: 'timed', version: 2, ...rules, source: written, ttl: '3h', features });
export const untimed = batchFeatureView({ name: 'untimed', version: 1, ...rules, source: plain, ttl: '7h', features });
export const backwards = batchFeatureView({ name: 'backwards', version: 1, ...rules, source: back, ttl: '7h', features });

export const shops = parquetSource({ name: 'shops', path: 'shops.parquet', timestampField: 'at' });
export const shop = entity({ name: 'shop', joinKeys: { code: 'string' } });
export const shopView = batchFeatureView({ name: 'shop', version: 1, ...rules, entities: [shop], source: shops, features });

export const clocks = csvSource({ name: 'clocks', path: 'clocks.csv', timestampField: 'at', columns: { at: 'timestamp', place: 'string', row_id: 'int64' } });
export const place = entity({ name: 'place', joinKeys: { place: 'string' } });
export const clock = batchFeatureView({ name: 'clock', version: 1, entities: [place], source: clocks, schedule: '0 * * * *', startTime: '2025-03-08T00:00:00Z', ttl: '1h', paused: true, features });`;

/** Two days of half hours; 40 % of the rows twice, a third of them written again later. */
const ROWS = `
  SELECT * FROM (
    SELECT (i * 7) % 5 AS user_id, TIMESTAMP '<start>' + to_minutes((i % 90) * 30) AS "at",
      "at" + to_minutes(60 * (i % 3)) AS written_at, (user_id * 1000 + i % 90) * 10 + i % 3 AS row_id
    FROM range(700) t(i)
  ) UNION ALL
  SELECT * FROM (
    SELECT (i * 7) % 5 AS user_id, TIMESTAMP '<start>' + to_minutes((i % 90) * 30) AS "at",
      "at" + to_minutes(60 * (i % 3)) AS written_at, (user_id * 1000 + i % 90) * 10 + i % 3 AS row_id
    FROM range(300) t(i)
  )`;

let project: TestProject;
let start: Micros;
let deps: TrainingDeps;

const hour = (n: number): Micros => addDuration(start, durationOf(`${n}h`));

async function materialize(view: string, version = 1): Promise<void> {
  const { platform, name } = project;
  const spec = await appliedBatchView(await platform.registry(), { project: name, view, version });
  await materializeHere(project, { view: spec, range: { start, end: hour(48) } });
}

async function rowsOf(sql: string): Promise<readonly (readonly unknown[])[]> {
  const { withConnection } = await testEngine();
  return await withConnection(async (connection) => (await connection.runAndReadAll(sql)).getRows());
}

beforeAll(async () => {
  project = await appliedProject({
    definitions,
    days: 3,
    data: {
      'written.parquet': `SELECT * FROM (${ROWS}) ORDER BY hash(row_id, 1)`,
      'backwards.parquet': `SELECT * FROM (${ROWS}) ORDER BY hash(row_id, 1) DESC`,
      'shops.parquet': `SELECT code, row_id, TIMESTAMP '<start>' AS "at" FROM (VALUES ('12', 1), ('7', 2)) t(code, row_id)`,
      // Across the hour that New York does not have (02:00 to 03:00 on March 9, 07:00 UTC), and the one it has twice.
      'clocks.csv': `SELECT * FROM (VALUES
        ('2025-03-09T01:59:59.999999-05:00', 'a', 1), ('2025-03-09T03:00:00-04:00', 'a', 2),
        ('2025-03-09T02:30:00', 'b', 3), ('2025-03-09 07:30:00+00', 'b', 4),
        ('2025-11-02T01:30:00-04:00', 'c', 5), ('2025-11-02T01:30:00-05:00', 'c', 6), ('2025-11-02T01:30:00', 'd', 7)
      ) t("at", place, row_id)`,
    },
  });
  const { platform, name } = project;
  const registry = await platform.registry();
  start = timeOf((await appliedBatchView(registry, { project: name, view: 'timed', version: 1 })).startTime);
  deps = await trainingDeps(project);
  for (const view of ['timed', 'untimed', 'backwards', 'shop']) await materialize(view);
  await materialize('timed', 2);
});

/** Entity rows on the half hours and a microsecond off them, some twice with another label. */
const SPINE = `SELECT (i * 3) % 6 AS user_id, TIMESTAMP '<start>' + to_minutes((i % 100) * 30) + to_microseconds(i % 3 - 1) AS t,
  i AS label FROM range(600) t(i) UNION ALL SELECT 0, TIMESTAMP '<start>' + to_minutes(300), 1000 + i FROM range(3) t(i)`;

async function joined(knownAt: string, ...references: readonly string[]) {
  const path = join(project.home, 'spine.parquet');
  await writeRows(path, `SELECT * FROM (${SPINE.replaceAll('<start>', formatTime(start))}) ORDER BY label`);
  const set = await buildTrainingSet(
    {
      project: project.name,
      spine: { kind: 'parquet', path, timestampField: 't' },
      features: { kind: 'references', references },
      knownAt,
      fullNames: true,
    },
    deps,
  );
  return await rowsOf(
    `SELECT label, user_id, epoch_us(t), * EXCLUDE (label, user_id, t) FROM read_parquet('${set.path}') ORDER BY label`,
  );
}

/** The reference on the source's own rows, each distinct one once. */
async function expected(
  spine: readonly (readonly unknown[])[],
  rules: {
    readonly ttl: string;
    readonly dataDelay: string;
    readonly created: boolean;
    readonly knownAt: KnownAt;
  },
) {
  const rows = await rowsOf(
    `SELECT DISTINCT user_id, epoch_us("at"), epoch_us(written_at), row_id FROM read_parquet('${join(project.repo.dir, 'written.parquet')}') WHERE "at" <= TIMESTAMP '${formatTime(hour(48))}'`,
  );
  const featureRows = rows.map(
    ([key, at, written, id]): FeatureRow => ({
      key: [key as bigint],
      eventTime: micros(at as bigint),
      createdTime: micros((rules.created ? written : at) as bigint),
      revision: 0,
      values: [id as bigint],
    }),
  );
  return asOf(
    spine.map(([, key, t]) => ({ key: [key as bigint], time: micros(t as bigint) })),
    featureRows,
    { ttl: durationOf(rules.ttl), dataDelay: durationOf(rules.dataDelay), knownAt: rules.knownAt },
  );
}

describe('a source whose rows clash', () => {
  test.each(['any', 'row', 'cutoff'] as const)(
    'gives each entity row the newest of its rows by event time and created time, doubles or not (known at %s)',
    async (kind) => {
      const at = hour(20);
      const rows = await joined(kind === 'cutoff' ? formatTime(at) : kind, 'timed@v1:row_id');
      expect(rows.map(([label]) => Number(label))).toEqual([
        ...Array.from({ length: 600 }, (_, label) => label),
        1000,
        1001,
        1002,
      ]);
      const knownAt: KnownAt = kind === 'cutoff' ? { kind, at } : { kind };
      const winners = await expected(rows, { ttl: '7h', dataDelay: '1h', created: true, knownAt });
      expect(rows.map((row) => row[3])).toEqual(winners.map((winner) => winner?.values[0] ?? null));
      expect(winners.filter((winner) => winner !== null).length).toBeGreaterThan(100);
    },
  );

  test('without created times gives one of those of the newest event time, in whatever order they stand', async () => {
    const rows = await joined('any', 'untimed:row_id', 'backwards:row_id');
    const winners = await expected(rows, {
      ttl: '7h',
      dataDelay: '0s',
      created: false,
      knownAt: { kind: 'any' },
    });
    // The last digit tells which of the equal ones it is.
    const event = (id: unknown) => (id === null ? null : (id as bigint) / 10n);
    expect(rows.map((row) => event(row[3]))).toEqual(
      winners.map((winner) => event(winner?.values[0] ?? null)),
    );
    expect(rows.map((row) => row[4])).toEqual(rows.map((row) => row[3]));
  });

  test('is read by two versions of a view in one set, each by its own rules', async () => {
    const rows = await joined('any', 'timed@v1:row_id', 'timed@v2:row_id');
    const of = async (ttl: string, dataDelay: string) =>
      (await expected(rows, { ttl, dataDelay, created: true, knownAt: { kind: 'any' } })).map(
        (winner) => winner?.values[0] ?? null,
      );
    expect(rows.map((row) => row[3])).toEqual(await of('7h', '1h'));
    expect(rows.map((row) => row[4])).toEqual(await of('3h', '0s'));
  });
});

test.each([{}, { format: 'csv' }] as const)(
  'keys in a CSV file that look like numbers are text where a view’s are, also when the set is made again (%j)',
  async (layout) => {
    const path = join(project.home, 'codes.csv');
    await writeFile(
      path,
      `code,t,n\n12,${formatTime(hour(1))},1\n7,${formatTime(hour(1))},2\n8,${formatTime(hour(1))},3\n`,
    );
    const set = await buildTrainingSet(
      {
        project: project.name,
        spine: { kind: 'csv', path, timestampField: 't' },
        features: { kind: 'references', references: ['shop:row_id'] },
        knownAt: 'any',
        fullNames: false,
        layout,
      },
      deps,
    );
    expect(set.manifest.contents.spine.columns.map(({ name, type }) => `${name} ${type}`)).toEqual([
      'code string',
      't timestamp',
      'n int64',
    ]);
    expect(set.nullShares).toEqual({ row_id: 1 / 3 });
    const { problems, verdict } = await verifyTrainingSet(set.manifest, deps);
    expect(problems).toEqual([]);
    expect(verdict).toBe('same');
  },
);

describe('on a machine whose clock is set to New York', () => {
  const TZ = 'America/New_York';

  async function cli(zone: string, ...args: readonly string[]): Promise<string> {
    const { code, stdout, stderr } = await tidemark(args, { env: { ...project.env, TZ: zone } });
    expect({ code, stderr }).toMatchObject({ code: 0 });
    return stdout;
  }

  test('naive times are UTC and zoned ones what they say, in sources, spines and files, around both changes', async () => {
    for (const [from, to] of [
      ['2025-03-09', '2025-03-10'],
      ['2025-11-02', '2025-11-03'],
    ] as const) {
      await cli(TZ, 'backfill', 'clock', '--start', `${from}T00:00:00Z`, '--end', `${to}T00:00:00Z`);
    }
    // What an entity row at each of these times sees of the place, within an hour.
    const spine = [
      ['2025-03-09T06:59:59.999999Z', 'a', '1'],
      ['2025-03-09T02:59:59.999999-04:00', 'a', '1'],
      ['2025-03-09T07:00:00', 'a', '2'],
      ['2025-03-09T02:00:00-05:00', 'a', '2'],
      ['2025-03-09 08:00:00.000001+00', 'a', ''],
      ['2025-03-09T02:30:00', 'b', '3'],
      ['2025-03-09T02:29:59.999999', 'b', ''],
      ['2025-03-09T07:30:00', 'b', '4'],
      ['2025-11-02T05:30:00Z', 'c', '5'],
      ['2025-11-02T06:29:59.999999Z', 'c', '5'],
      ['2025-11-02T06:30:00Z', 'c', '6'],
      ['2025-11-02T01:30:00-05:00', 'c', '6'],
      ['2025-11-02T01:30:00', 'd', '7'],
      ['2025-11-02T01:30:00-04:00', 'd', ''],
    ] as const;
    const values = spine.map(([at, place], index) => `('${at}', '${place}', ${index})`).join(', ');
    const path = join(project.home, 'zones.csv');
    await writeRows(path, `SELECT * FROM (VALUES ${values}) t("when", place, label)`);
    const query = `SELECT "when"::TIMESTAMPTZ AS "when", place, label FROM (VALUES ${values}) t("when", place, label)`;
    const train = async (zone: string, ...rows: readonly string[]) => {
      const more = ['--timestamp', 'when', '--no-statistics', '--json'];
      return JSON.parse(await cli(zone, 'train', 'clock:row_id', ...rows, ...more)) as {
        readonly id: string;
        readonly path: string;
        readonly reused: boolean;
      };
    };
    const seen = async (set: string) =>
      (await rowsOf(`SELECT row_id FROM read_parquet('${set}') ORDER BY label`)).map(([id]) =>
        String(id ?? ''),
      );
    const asked = spine.map(([, , id]) => id);
    expect(await seen((await train(TZ, '--query', query)).path)).toEqual(asked);
    const made = await train(TZ, '--spine', path);
    expect(await seen(made.path)).toEqual(asked);
    // Elsewhere it is the same set, to the byte.
    const verified = JSON.parse(await cli('UTC', 'dataset', 'verify', made.id, '--json')) as object;
    expect(verified).toMatchObject({ verdict: 'same' });
    await rm(join(deps.offlineRoot, project.name, 'training-sets', made.id), { recursive: true });
    expect(await train('Asia/Kolkata', '--spine', path)).toMatchObject({ id: made.id, reused: false });
  }, 120_000);
});
