import { readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { PassThrough } from 'node:stream';
import { tableFromIPC } from 'apache-arrow';
import { beforeAll, describe, expect, test } from 'vitest';
import { main } from '../../src/cli/main.ts';
import { addDuration, durationOf, formatTime, type Micros, timeOf } from '../../src/core/time.ts';
import { appliedBatchView } from '../../src/registry/applied-manifest.ts';
import { buildTrainingSet } from '../../src/training/build-training-set.ts';
import { diffTrainingSets } from '../../src/training/diff-training-sets.ts';
import { restatedInputs } from '../../src/training/restated-inputs.ts';
import type { TrainingDeps, TrainingSetRequest } from '../../src/training/training-set.ts';
import { verifyTrainingSet } from '../../src/training/verify-training-set.ts';
import { testEngine, writeRows } from '../support/feature-repo.ts';
import { materializeHere } from '../support/materialize-here.ts';
import { appliedProject, type TestProject } from '../support/project.ts';
import { trainingDeps } from '../support/training-deps.ts';

const definitions = `
export const thisProject = project({ name: '<project>' });
export const place = entity({ name: 'place', joinKeys: { place: 'string', floor: 'int32' } });
export const town = entity({ name: 'town', joinKeys: { town: 'string' } });
export const readings = parquetSource({
  name: 'readings', path: 'readings.parquet', timestampField: 'at', createdTimestampField: 'written_at',
});
const every = { source: readings, schedule: '0 * * * *', startTime: '<start>', ttl: '2h' };
export const temps = batchFeatureView({
  name: 'temps', version: 1, entities: [place], ...every, features: { temp: 'float64' },
});
export const skies = batchFeatureView({
  name: 'skies', version: 1, entities: [place], ...every, dataDelay: '10m', features: { sky: 'string' },
});
export const towns = batchFeatureView({
  name: 'towns', version: 1, entities: [town], ...every, features: { temp: 'float64' },
});
export const above = onDemandFeatureView({
  name: 'above', inputs: { now: temps, request: requestSource({ limit: 'float64' }) }, features: { over: 'bool' },
  transform: ({ now, request }) => ({ over: now.temp === null ? null : now.temp > request.limit }),
});
export const warm = onDemandFeatureView({
  name: 'warm', inputs: { now: temps }, features: { warm: 'bool' },
  transform: ({ now }) => ({ warm: now.temp === null ? null : now.temp > 4 }),
});
export const model = featureService({ name: 'model', features: [temps, skies, warm] });`;

let project: TestProject;
let start: Micros;
let deps: TrainingDeps;

const minute = (n: number): Micros => addDuration(start, durationOf(`${n}m`));
const iso = (n: number): string => formatTime(minute(n));

/** Every 20 minutes of three hours a reading of each of two places, written 5 minutes later; some odd ones. */
async function source(more = ''): Promise<void> {
  const at = (minutes: string) =>
    `TIMESTAMP '${formatTime(start).replace('Z', '')}' + to_minutes((${minutes})::BIGINT)`;
  await writeRows(
    join(project.repo.dir, 'readings.parquet'),
    `SELECT 'p' || p AS place, p::INTEGER AS floor, 't' AS town, ${at('i * 20')} AS at,
       ${at('i * 20 + 5')} AS written_at, (i + p / 10)::DOUBLE AS temp, 'sky' || i AS sky
     FROM range(9) t(i), range(2) u(p)
     -- A correction, written later: the same moment of the same place.
     UNION ALL SELECT 'p1', 1, 't', ${at('40')}, ${at('100')}, 99.0, 'corrected' ${more}`,
  );
}

async function materialize(view: string, from: number, to: number, restate = false): Promise<void> {
  const { platform, name } = project;
  const spec = await appliedBatchView(await platform.registry(), { project: name, view, version: 1 });
  await materializeHere(project, {
    view: spec,
    range: { start: minute(from * 60), end: minute(to * 60) },
    restate,
  });
}

beforeAll(async () => {
  project = await appliedProject({
    definitions,
    days: 1,
    data: {
      'readings.parquet': `SELECT 'p0' AS place, 0::INTEGER AS floor, 't' AS town, TIMESTAMP '<start>' AS at, TIMESTAMP '<start>' AS written_at, 1.0::DOUBLE AS temp, 'clear' AS sky`,
    },
  });
  const { platform, name } = project;
  const registry = await platform.registry();
  start = timeOf((await appliedBatchView(registry, { project: name, view: 'temps', version: 1 })).startTime);
  deps = await trainingDeps(project);
  await source();
  for (const view of ['temps', 'skies', 'towns']) await materialize(view, 0, 3);
});

const request = (from: string, to: string, more: Partial<TrainingSetRequest> = {}): TrainingSetRequest => ({
  project: project.name,
  spine: { kind: 'range', from, to, timestampField: 'event_timestamp' },
  features: { kind: 'service', service: 'model' },
  knownAt: 'any',
  fullNames: false,
  ...more,
});

const references = (...texts: string[]) => ({ features: { kind: 'references', references: texts } }) as const;

/** Rows as text: place, minutes since the start, values. */
async function rowsOf(path: string, ...columns: readonly string[]): Promise<readonly string[]> {
  const values = ['place', `date_diff('minute', TIMESTAMP '${iso(0).replace('Z', '')}', event_timestamp)`];
  const { withConnection } = await testEngine();
  return await withConnection(async (connection) => {
    const query = `SELECT ${[...values, ...columns].join(', ')} FROM read_parquet('${path}')`;
    const rows = (await connection.runAndReadAll(query)).getRows();
    return rows.map((row) => row.map(String).join(' '));
  });
}

describe('a training set without entity rows', () => {
  test('has a row for each moment at which serving first saw something new, and that row sees it', async () => {
    const set = await buildTrainingSet(request(iso(20), iso(60)), deps);
    // Those of temps at its event times, those of skies ten minutes later; ordered by keys, then by time.
    expect(await rowsOf(set.path, 'floor', 'temp', 'sky', 'warm')).toEqual([
      'p0 20 0 1 sky0 false',
      'p0 30 0 1 sky1 false',
      'p0 40 0 2 sky1 false',
      'p0 50 0 2 sky2 false',
      'p1 20 1 1.1 sky0 false',
      'p1 30 1 1.1 sky1 false',
      'p1 40 1 99 sky1 true',
      'p1 50 1 99 corrected true',
    ]);
    expect(set.manifest.recipe.range).toEqual({ from: iso(20), to: iso(60) });
    expect(set.manifest.contents.spine.columns).toEqual([
      { name: 'place', type: 'string' },
      { name: 'floor', type: 'int32' },
      { name: 'event_timestamp', type: 'timestamp' },
    ]);
  });

  test('is found again, and made again with the same bytes', async () => {
    const first = await buildTrainingSet(request(iso(0), iso(180)), deps);
    const zoned = `${iso(0).replace('Z', '')}+00:00`;
    expect((await buildTrainingSet(request(zoned, iso(180)), deps)).id).toBe(first.id);
    const { problems, verdict } = await verifyTrainingSet(first.manifest, deps);
    expect(problems).toEqual([]);
    expect(verdict).toBe('same');
  });

  test('is Arrow files when they are asked for, with statistics, and made again with the same bytes', async () => {
    const whole = await buildTrainingSet(request(iso(20), iso(60)), deps);
    const layout = { format: 'arrow', rowsPerFile: 5 } as const;
    const set = await buildTrainingSet(request(iso(20), iso(60), { layout, statistics: true }), deps);
    expect(set.manifest.data.files.map(({ path, rows }) => [path, rows])).toEqual([
      ['data-00000.arrow', 5],
      ['data-00001.arrow', 3],
    ]);
    const tables = await Promise.all(
      set.manifest.data.files.map(async ({ path }) => tableFromIPC(await readFile(join(set.path, path)))),
    );
    expect(tables.flatMap((table) => [...(table.getChild('sky') ?? [])])).toEqual(
      (await rowsOf(whole.path, 'sky')).map((row) => row.split(' ').at(-1)),
    );
    expect(await readFile(set.statistics ?? '', 'utf8')).toContain('<h3>temp <small>');
    const { inputs, columns } = await diffTrainingSets(whole.manifest, set.manifest, deps);
    expect(inputs).toEqual([expect.stringContaining('layout')]);
    expect(columns.map(({ change }) => change)).toEqual(columns.map(() => 'same'));
    const { problems, files } = await verifyTrainingSet(set.manifest, deps);
    expect(problems).toEqual([]);
    expect(files.map(({ path }) => path)).toEqual(['data-00000.arrow', 'data-00001.arrow', 'spine.parquet']);
    await rm(join(set.path, 'profile.json'));
    await expect(diffTrainingSets(whole.manifest, set.manifest, deps)).rejects.toThrow(
      'its profile.json is not',
    );
  });

  test('counts a moment that two views share once, and one view’s rows alone by that view alone', async () => {
    const set = await buildTrainingSet(request(iso(0), iso(40), references('temps:temp')), deps);
    expect(await rowsOf(set.path)).toEqual(['p0 0', 'p0 20', 'p1 0', 'p1 20']);
  });

  test('has no row for what a cut-off hides, and with known-at row one for when each was known', async () => {
    const rows = async (knownAt: string) => {
      const set = await buildTrainingSet(
        request(iso(20), iso(60), { ...references('temps:temp'), knownAt }),
        deps,
      );
      return rowsOf(set.path, 'temp');
    };
    expect(await rows(iso(25))).toEqual(['p0 20 1', 'p1 20 1.1']);
    expect(await rows(iso(99))).toEqual(['p0 20 1', 'p0 40 2', 'p1 20 1.1', 'p1 40 2.1']);
    // The correction of minute 40 came at minute 100, when a newer reading was there.
    expect(await rows('row')).toEqual(['p0 25 1', 'p0 45 2', 'p1 25 1.1', 'p1 45 2.1', 'p1 100 4.1']);
  });

  test('stays as it is when a late row comes, which shows in it and changes the next', async () => {
    const cutoff = { knownAt: iso(500) };
    const asked = () => request(iso(0), iso(180), { ...references('temps:temp'), ...cutoff });
    const before = await buildTrainingSet(asked(), deps);
    expect(await restatedInputs(before.manifest, deps)).toEqual([]);
    await source(
      `UNION ALL SELECT 'p9', 9, 't', TIMESTAMP '${iso(150)}', TIMESTAMP '${iso(400)}', 1.0, 'late'`,
    );
    await materialize('temps', 2, 3, true);
    expect(await restatedInputs(before.manifest, deps)).toEqual([
      { view: 'temps@v1', kind: 'restated', start: iso(120), end: iso(180) },
    ]);
    expect((await verifyTrainingSet(before.manifest, deps)).verdict).toBe('same');
    const after = await buildTrainingSet(asked(), deps);
    expect((await rowsOf(after.path)).at(-1)).toBe('p9 150');
    // A cut-off before the late row was written gives the rows of then.
    const then = await buildTrainingSet({ ...asked(), knownAt: iso(399) }, deps);
    expect(await rowsOf(then.path)).toEqual(await rowsOf(before.path));
  });

  test.each([
    ['yesterday', '2026-01-02', {}, '"yesterday" is no ISO 8601 time'],
    ['2026-01-02', '2026-01-02', {}, 'the first time must be before the second'],
    [
      '2026-01-01',
      '2026-01-02',
      references('temps:temp', 'towns@v1:temp'),
      '"temps@v1" has (floor: int32, place: string), "towns@v1" has (town: string)',
    ],
    ['2026-01-01', '2026-01-02', references('above:over'), '"above@v1" needs request data ("limit")'],
    ['1990-01-01', '1990-01-02', references('temps:temp'), 'no row of "temps@v1" that is committed has'],
  ])('from %s to %s of %j is refused', async (from, to, more, text) => {
    const asked = request(from, to, { fullNames: true, ...more });
    await expect(buildTrainingSet(asked, deps)).rejects.toMatchObject({
      code: 'REQUEST_INVALID',
      message: expect.stringContaining(text),
    });
  });

  test('does not take a join key for the column of times', async () => {
    const spine = { kind: 'range', from: iso(0), to: iso(60), timestampField: 'floor' } as const;
    await expect(buildTrainingSet(request('', '', { spine }), deps)).rejects.toThrow('is a join key');
  });
});

describe('tidemark train --from --to', () => {
  async function cli(...args: readonly string[]) {
    const streams = { stdout: new PassThrough(), stderr: new PassThrough() };
    const code = await main(args, { env: project.env, cwd: project.home, streams });
    const text = (stream: PassThrough) => String(stream.read() ?? '');
    return { code, stdout: text(streams.stdout), stderr: text(streams.stderr) };
  }

  test('builds the set, and dataset show says what it was', async () => {
    const built = await cli('train', '--service', 'model', '--from', iso(0), '--to', iso(120), '--json');
    expect(built).toMatchObject({ code: 0, stderr: '' });
    const { id, rows } = JSON.parse(built.stdout) as { id: string; rows: number };
    expect(rows).toBe(24);
    const shown = await cli('dataset', 'show', id);
    expect(shown.stdout).toContain(`all from ${iso(0)} to ${iso(120)}`);
  });

  test.each([
    [['--from', '2026-01-01'], '--from and --to are given together'],
    [['--from', '2026-01-01', '--to', '2026-01-02', '--query', 'SELECT 1'], 'cannot be used with'],
  ])('%j is refused', async (options, text) => {
    const { code, stderr } = await cli('train', '--service', 'model', ...options);
    expect(code).toBeGreaterThan(0);
    expect(stderr).toContain(text);
  });
});
