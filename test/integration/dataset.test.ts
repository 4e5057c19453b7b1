import { appendFile, mkdir, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { PassThrough } from 'node:stream';
import { beforeAll, describe, expect, test } from 'vitest';
import { main } from '../../src/cli/main.ts';
import { serveHere } from '../../src/cli/serve-here.ts';
import { addDuration, durationOf, formatTime, micros, timeOf } from '../../src/core/time.ts';
import { retireVersion } from '../../src/migrate/retire-version.ts';
import { appliedBatchView } from '../../src/registry/applied-manifest.ts';
import type { FeatureServiceBody } from '../../src/server/routes/feature-services.ts';
import { buildTrainingSet } from '../../src/training/build-training-set.ts';
import { diffTrainingSets } from '../../src/training/diff-training-sets.ts';
import { restatedInputs } from '../../src/training/restated-inputs.ts';
import type { TrainingDeps, TrainingSet, TrainingSetRequest } from '../../src/training/training-set.ts';
import { verifyTrainingSet } from '../../src/training/verify-training-set.ts';
import { writeRows } from '../support/feature-repo.ts';
import { materializeHere } from '../support/materialize-here.ts';
import { appliedProject, type TestProject } from '../support/project.ts';
import { trainingDeps } from '../support/training-deps.ts';

const definitions = `
export const thisProject = project({ name: '<project>' });
export const place = entity({ name: 'place', joinKeys: { place: 'string' } });
export const readings = parquetSource({
  name: 'readings', path: 'readings.parquet', timestampField: 'at', createdTimestampField: 'written_at',
});
export const last = batchFeatureView({
  name: 'last_reading', version: 1, entities: [place], source: readings, schedule: '0 * * * *',
  startTime: '<start>', ttl: '30d', features: { temp: 'float64', sky: 'string' },
});
export const feels = onDemandFeatureView({
  name: 'feels', inputs: { now: last }, features: { warm: 'bool' },
  transform: ({ now }) => ({ warm: now.temp === null ? null : now.temp > 4 }),
});
export const model = featureService({ name: 'model', features: [last, feels] });
export const temperature = featureService({ name: 'temperature', features: [last.pick('temp')] });`;

const HOURS = 12;
const PLACES = 5;
let project: TestProject;
let start: bigint;
let deps: TrainingDeps;

/** Readings of five places, one each twenty minutes; `factor` restates them all. */
async function source(factor: number): Promise<void> {
  const at = `TIMESTAMP '${formatTime(micros(start))}' + to_minutes((i * 20)::BIGINT)`;
  await writeRows(
    join(project.repo.dir, 'readings.parquet'),
    `SELECT 'p' || p AS place, ${at} AS at, ${at} AS written_at, (i * ${factor} + p / 10)::DOUBLE AS temp, if(i % 3 = 0, 'clear', 'grey') AS sky FROM range(${HOURS * 3}) t(i), range(${PLACES}) u(p)`,
  );
}

async function run(from: number, to: number, restate = false) {
  const { platform, name } = project;
  const hour = (n: number) => addDuration(micros(start), durationOf(`${n}h`));
  const view = await appliedBatchView(await platform.registry(), {
    project: name,
    view: 'last_reading',
    version: 1,
  });
  return await materializeHere(project, { view, range: { start: hour(from), end: hour(to) }, restate });
}

const request = (more: Partial<TrainingSetRequest> = {}): TrainingSetRequest => ({
  project: project.name,
  spine: { kind: 'csv', path: join(project.home, 'labels.csv'), timestampField: 'when' },
  features: { kind: 'service', service: 'model' },
  knownAt: 'any',
  fullNames: false,
  ...more,
});

const pathOf = (set: TrainingSet, slice = 0) =>
  join(deps.offlineRoot, set.manifest.contents.views[0]?.slices[slice]?.path ?? 'no slice');

/** Runs the command line in this process. */
async function cli(...args: readonly string[]) {
  const streams = { stdout: new PassThrough(), stderr: new PassThrough() };
  const code = await main(args, { env: project.env, cwd: project.home, streams });
  const text = (stream: PassThrough) => String(stream.read() ?? '');
  return { code, stdout: text(streams.stdout), stderr: text(streams.stderr) };
}

let set: TrainingSet;

beforeAll(async () => {
  project = await appliedProject({
    definitions,
    days: 1,
    data: {
      'readings.parquet': `SELECT 'p0' AS place, TIMESTAMP '<start>' AS at, TIMESTAMP '<start>' AS written_at, 1.0::DOUBLE AS temp, 'clear' AS sky`,
    },
  });
  const { platform, name } = project;
  const registry = await platform.registry();
  const spec = await appliedBatchView(registry, { project: name, view: 'last_reading', version: 1 });
  start = timeOf(spec.startTime);
  deps = await trainingDeps(project);
  // Times as text, not in order, with one place that has no readings and one row without a place.
  const rows = Array.from({ length: 40 }, (_, i) => {
    const at = formatTime(addDuration(micros(start), durationOf(`${((i * 7) % 40) * 15 + 1}m`)));
    return `${i % 8 === 7 ? '' : `p${i % 6}`},${at.replace('Z', '+00:00')},${i % 2}`;
  });
  await writeFile(join(project.home, 'labels.csv'), `place,when,label\n${rows.join('\n')}\n`);
  await source(1);
  await run(0, 4);
  await run(4, 8);
  set = await buildTrainingSet(request(), deps);
});

const asTold = (text: string) => JSON.parse(text) as Record<string, unknown>;

describe('a training set, when its inputs are restated after it was built,', () => {
  test('shows which views and ranges have changed, and is made again with the same bytes', async () => {
    expect(await restatedInputs(set.manifest, deps)).toEqual([]);
    expect((await verifyTrainingSet(set.manifest, deps)).verdict).toBe('same');

    await source(3);
    await run(2, 6, true);
    await run(8, 10);

    const iso = (hours: number) => formatTime(addDuration(micros(start), durationOf(`${hours}h`)));
    const changed = await restatedInputs(set.manifest, deps);
    expect(changed).toEqual([
      { view: 'last_reading@v1', kind: 'restated', start: iso(2), end: iso(6) },
      { view: 'last_reading@v1', kind: 'added', start: iso(8), end: iso(10) },
    ]);

    const { verdict, files, problems } = await verifyTrainingSet(set.manifest, deps);
    expect(problems).toEqual([]);
    expect(verdict).toBe('same');
    expect(files).toEqual([
      { path: 'data.parquet', recorded: files[0]?.recorded, rebuilt: files[0]?.recorded },
    ]);

    const now = await buildTrainingSet(request(), deps);
    expect(now.id).not.toBe(set.id);
    expect(now.manifest.data.files[0]?.digest).not.toBe(files[0]?.recorded);
    expect((await verifyTrainingSet(now.manifest, deps)).verdict).toBe('same');
  });

  test.each([{}, { split: 'time:50/50' }, { format: 'csv' }] as const)(
    'is made again with entity rows of types that files do not keep (%j)',
    async (layout) => {
      const query = `SELECT place, "at" + INTERVAL 90 SECOND AS "when", count(*)::HUGEINT AS huge, 7::UTINYINT AS tiny,
        'grey'::ENUM('clear', 'grey') AS sky_then, "at"::TIMESTAMP_S AS seconds, "at"::TIMESTAMP_NS AS nanos,
        "at"::TIMESTAMPTZ AS zoned, "at"::DATE AS day, [1.5, 2.5]::FLOAT[2] AS place_at, '{"a": 1}'::JSON AS doc,
        1.25::DECIMAL(9,2) AS price, uuid AS id
        FROM readings, (SELECT '3fa85f64-5717-4562-b3fc-2c963f66afa6'::UUID AS uuid) GROUP BY ALL ORDER BY ALL`;
      const spine = { kind: 'query', query, timestampField: 'when' } as const;
      const typed = await buildTrainingSet(request({ spine, layout }), deps);
      expect(typed.rows).toBe(HOURS * 3 * PLACES);
      const { problems, verdict } = await verifyTrainingSet(typed.manifest, deps);
      expect(problems).toEqual([]);
      expect(verdict).toBe('same');
      await rm(join(deps.offlineRoot, project.name, 'training-sets', typed.id), { recursive: true });
    },
  );

  test('is made again though its spine is gone', async () => {
    await rename(join(project.home, 'labels.csv'), join(project.home, 'moved.csv'));
    try {
      expect((await verifyTrainingSet(set.manifest, deps)).verdict).toBe('same');
    } finally {
      await rename(join(project.home, 'moved.csv'), join(project.home, 'labels.csv'));
    }
  });

  test('leaves nothing behind when it is verified', async () => {
    const before = await readdir(join(set.path, '..'));
    await verifyTrainingSet(set.manifest, deps);
    expect(await readdir(join(set.path, '..'))).toEqual(before);
  });
});

describe('a version that training sets were built from', () => {
  test('lists them once each, and is retired all the same', async () => {
    const { platform, name } = project;
    const registry = await platform.registry();
    await buildTrainingSet(request(), deps);
    const version = { project: name, view: 'last_reading', version: 1 };
    const readers = await registry.consumers(version);
    expect(readers[0]).toEqual({ kind: 'feature_service', name: 'model' });
    expect(readers.filter((reader) => reader.name === set.id)).toHaveLength(1);
    expect(await registry.consumers({ ...version, view: 'feels' })).toContainEqual({
      kind: 'training_set',
      name: set.id,
    });

    const view = { ...(await appliedBatchView(registry, version)), version: 2 };
    await registry.addTrainingSet('f00d', [{ ...version, version: 2 }]);
    const removed: number[] = [];
    const retired = await retireVersion(name, view, {
      registry,
      online: await platform.online(),
      removeSchedule: async (old) => void removed.push(old.version),
    });
    expect(retired).toEqual({ onlineRows: 0, trainingSets: ['training set f00d'] });
    expect(removed).toEqual([2]);
  });
});

describe('a training set in parts and other files', () => {
  test.each([
    [{ split: 'time:80/10/10' }, ['test.parquet', 'train.parquet', 'validation.parquet']],
    [{ split: 'entity:60/40' }, ['test.parquet', 'train.parquet']],
    [{ rowsPerFile: 15 }, ['data-00000.parquet', 'data-00001.parquet', 'data-00002.parquet']],
    [{ format: 'csv' }, ['data.csv', 'spine.parquet']],
    [{ format: 'csv', split: 'time:50/50', rowsPerFile: 15 }, undefined],
  ] as const)(
    '%j is a set of its own, is whole on disk, and is made again with the same bytes',
    async (layout, names) => {
      const all = await buildTrainingSet(request(), deps);
      const parts = await buildTrainingSet(request({ layout }), deps);
      expect(parts.id).not.toBe(all.id);
      const { data } = parts.manifest;
      expect(data.files.reduce((sum, { rows }) => sum + rows, 0)).toBe(40);
      const folder = join(deps.offlineRoot, project.name, 'training-sets', parts.id);
      const onDisk = (await readdir(folder)).filter((name) => name !== 'manifest.json');
      if (names !== undefined) expect(onDisk.toSorted()).toEqual(names);
      else expect(onDisk).toHaveLength(5);
      expect(await buildTrainingSet(request({ layout }), deps)).toEqual({ ...parts, reused: true });
      const { verdict, problems, files } = await verifyTrainingSet(parts.manifest, deps);
      expect(problems).toEqual([]);
      expect(verdict).toBe('same');
      expect(files).toHaveLength(onDisk.length);
      await rm(folder, { recursive: true });
    },
  );

  test('says how many rows each part has', async () => {
    const { id, parts } = await buildTrainingSet(request({ layout: { split: 'time:80/10/10' } }), deps);
    expect(parts).toEqual({ train: 32, validation: 4, test: 4 });
    await rm(join(deps.offlineRoot, project.name, 'training-sets', id), { recursive: true });
  });
});

describe('statistics', () => {
  test.each([{}, { format: 'csv', split: 'entity:60/40' }] as const)(
    'are a page beside the data when they are asked for, and no part of the set (%j)',
    async (layout) => {
      const bare = await buildTrainingSet(request({ layout }), deps);
      expect(bare.statistics).toBeUndefined();
      const { id, statistics = '' } = await buildTrainingSet(request({ layout, statistics: true }), deps);
      expect(id).toBe(bare.id);
      expect(statistics).toBe(join(deps.offlineRoot, project.name, 'training-sets', id, 'statistics.html'));
      const page = await readFile(statistics, 'utf8');
      for (const name of ['temp', 'sky', 'warm', 'place', 'when', 'label'])
        expect(page).toContain(`<h3>${name} <small>`);
      expect(page).toContain('aria-label="Histogram of temp"');
      await rm(statistics);
      if ('split' in layout) await rm(join(statistics, '..'), { recursive: true });
    },
  );

  test('of CSV are those of its values before they were text', async () => {
    const query = `SELECT place, "at" AS "when", '007' AS code FROM readings ORDER BY ALL`;
    const spine = { kind: 'query', query, timestampField: 'when' } as const;
    const build = (layout: TrainingSetRequest['layout'] = {}) =>
      buildTrainingSet(request({ spine, layout, statistics: true }), deps);
    const [parquet, csv] = [await build(), await build({ format: 'csv' })];
    const { columns } = await diffTrainingSets(parquet.manifest, csv.manifest, deps);
    expect(columns.map(({ name, change }) => [name, change])).toContainEqual(['code', 'same']);
    for (const { statistics = '' } of [parquet, csv]) await rm(join(statistics, '..'), { recursive: true });
  });
});

describe('verifying', () => {
  test('says which file of the offline store is missing, and which has other bytes', async () => {
    const path = pathOf(set);
    await rename(path, `${path}.away`);
    try {
      const { verdict, problems } = await verifyTrainingSet(set.manifest, deps);
      expect(verdict).toBe('unverifiable');
      expect(problems).toEqual([
        expect.stringMatching(
          /^.*\.parquet, which last_reading@v1 was read from for .* is not there any more$/,
        ),
      ]);
      await writeFile(path, 'something else');
      expect((await verifyTrainingSet(set.manifest, deps)).problems).toEqual([
        expect.stringContaining('has other bytes now'),
      ]);
    } finally {
      await rename(`${path}.away`, path);
    }
    expect((await verifyTrainingSet(set.manifest, deps)).verdict).toBe('same');
  });

  test('says when a function has another text now, or is gone', async () => {
    const verify = (onDemand: TrainingDeps['onDemand']) =>
      verifyTrainingSet(set.manifest, { ...deps, onDemand });
    expect(await verify(new Map([['feels@v1', () => ({ warm: true })]]))).toMatchObject({
      verdict: 'unverifiable',
      problems: ['the function of feels@v1 has another text now'],
    });
    expect((await verify(new Map())).problems).toEqual([
      'the function of feels@v1 is not in this feature repository',
    ]);
  });

  test('notices data and contents that are not those that were written', async () => {
    const other = await buildTrainingSet(request({ fullNames: true }), deps);
    await appendFile(other.path, 'x');
    expect(await verifyTrainingSet(other.manifest, deps)).toMatchObject({
      verdict: 'different',
      problems: [expect.stringContaining('data.parquet: its bytes are not those that were written')],
    });
    const contents = { ...set.manifest.contents, knownAt: 'row' };
    expect(await verifyTrainingSet({ ...set.manifest, contents }, deps)).toMatchObject({
      verdict: 'different',
      problems: ['manifest.json: its contents are not those of its id'],
    });
    await rm(join(other.path, '..'), { recursive: true });
  });

  test('says of a set that an older engine wrote that this is the likely reason of other bytes, and which it was', async () => {
    const now = await buildTrainingSet(request({ fullNames: true }), deps);
    const asOf = { ...deps.asOf, version: 'DuckDB v9.9.9, format 99' };
    expect(await verifyTrainingSet(now.manifest, { ...deps, asOf })).toMatchObject({ verdict: 'same' });
    const [file] = now.manifest.data.files;
    const writesOthers: TrainingDeps['asOf'] = {
      ...asOf,
      join: async (joined) => ({ ...(await deps.asOf.join(joined)), digest: 'f'.repeat(64) }),
    };
    const engine = now.manifest.contents.engine;
    expect(await verifyTrainingSet(now.manifest, { ...deps, asOf: writesOthers })).toMatchObject({
      verdict: 'unverifiable',
      problems: [
        `its files are as they were written, but by another engine, ${engine}: this one, DuckDB v9.9.9, format 99, writes other bytes, most likely of the same rows`,
        expect.stringMatching(new RegExp(`^data.parquet: .* when made again, not ${file?.digest}$`)),
      ],
    });
    const same = { ...writesOthers, version: engine };
    expect(await verifyTrainingSet(now.manifest, { ...deps, asOf: same })).toMatchObject({
      verdict: 'different',
    });
    await rm(join(now.path, '..'), { recursive: true });
  });

  test('can find a difference: a manifest that records another file gives other bytes', async () => {
    const now = await buildTrainingSet(request(), deps);
    const forged = { ...now.manifest, data: { ...now.manifest.data, files: set.manifest.data.files } };
    expect(await verifyTrainingSet(forged, deps)).toMatchObject({ verdict: 'different' });
  });
});

describe('tidemark train', () => {
  test('builds a set in parts through the workflow, with its statistics, and says what is wrong before it starts', async () => {
    const train = (...more: readonly string[]) =>
      cli('train', '--service', 'model', '--spine', 'labels.csv', '--timestamp', 'when', '--json', ...more);
    const { code, stdout, stderr } = await train('--split', 'entity=label:70/30', '--rows-per-file', '100');
    expect(stderr).toBe('');
    expect(code).toBe(0);
    const told = asTold(stdout);
    const folder = String(told.path);
    expect(Object.keys(told.parts as object)).toEqual(['train', 'test']);
    expect(told.statistics).toBe(join(folder, 'statistics.html'));
    expect((await readdir(folder)).toSorted()).toEqual([
      'manifest.json',
      'statistics.html',
      'test-00000.parquet',
      'train-00000.parquet',
    ]);
    expect((await cli('dataset', 'verify', String(told.id))).code).toBe(0);
    await rm(folder, { recursive: true });
    const wrong = await train('--split', 'time:80/10/20');
    expect(wrong.code).toBe(1);
    expect(JSON.parse(wrong.stderr)).toMatchObject({
      error: { code: 'REQUEST_INVALID', message: expect.stringContaining('Cannot split by') },
    });
    expect((await train('--format', 'xlsx')).code).toBe(2);
    const address = 'https://example.com/labels.csv';
    const { stderr: refused } = await cli('train', '--service', 'model', '--spine', address);
    expect(refused).toContain(`Cannot read ${address}: of addresses, only s3:// can be read.`);
  }, 90_000);
});

describe('tidemark dataset', () => {
  test('lists what was built, newest first, by service too', async () => {
    const now = await buildTrainingSet(request(), deps);
    const { code, stdout } = await cli('dataset', 'list', '--json');
    expect(code).toBe(0);
    const ids = (JSON.parse(stdout) as { id: string }[]).map(({ id }) => id);
    expect(ids.toSorted()).toEqual([set.id, now.id].toSorted());
    expect((await cli('dataset', 'list')).stdout).toMatch(
      new RegExp(`${set.id.slice(0, 16)} .* 40 .* 3 +service model`),
    );
  });

  test('lists the other sets when the manifest of one is not readable, and says which', async () => {
    const folders = ['a', 'b'].map((digit) =>
      join(deps.offlineRoot, project.name, 'training-sets', digit.repeat(64)),
    );
    const [one = '', two = ''] = folders;
    try {
      await mkdir(one);
      await writeFile(join(one, 'manifest.json'), '{"id":');
      const list = await cli('dataset', 'list', '--json');
      expect(list.code).toBe(1);
      expect((JSON.parse(list.stdout) as { id: string }[]).map(({ id }) => id)).toContain(set.id);
      expect(list.stderr).toContain(`Cannot read the manifest of training set ${'a'.repeat(64)} at ${one}`);
      await mkdir(two);
      await writeFile(join(two, 'manifest.json'), '{}');
      const both = await cli('dataset', 'list', '--service', 'model');
      expect(both.stdout).toContain(set.id.slice(0, 16));
      expect(both.stderr).toContain('Cannot read the manifests of 2 training sets:');
      for (const folder of folders) expect(both.stderr).toContain(folder);
    } finally {
      for (const folder of folders) await rm(folder, { recursive: true, force: true });
    }
  });

  test('lists the sets of a service, also one that was asked for otherwise before', async () => {
    const listed = async (service: string) =>
      (
        JSON.parse((await cli('dataset', 'list', '--service', service, '--json')).stdout) as { id: string }[]
      ).map(({ id }) => id);
    const built = await listed('model');
    expect(built).toContain(set.id);
    const references = { kind: 'references', references: ['last_reading:temp'] } as const;
    const { id } = await buildTrainingSet(request({ features: references }), deps);
    expect(await listed('temperature')).toEqual([]);
    const same = await buildTrainingSet(
      request({ features: { kind: 'service', service: 'temperature' } }),
      deps,
    );
    expect(same).toMatchObject({ id, reused: true });
    expect(await listed('temperature')).toEqual([id]);
    expect(await listed('model')).toEqual(built);
    await rm(join(deps.offlineRoot, project.name, 'training-sets', id), { recursive: true });
    expect((await cli('dataset', 'list', '--service', 'temperature')).stdout).toContain(
      'no training sets of temperature yet',
    );
    const unknown = await cli('dataset', 'list', '--service', 'modle');
    expect(unknown).toMatchObject({ code: 1, stdout: '' });
    expect(unknown.stderr).toContain('Cannot find feature service "modle"');
    expect(unknown.stderr).toContain('Did you mean "model"?');
  });

  test('tells serving what a model was trained on', async () => {
    const server = await serveHere(project, 0);
    try {
      const answer = await fetch(`${server.url}/feature-services/model`);
      expect(answer.status).toBe(200);
      const body = (await answer.json()) as FeatureServiceBody;
      expect(body.features).toEqual([
        { name: 'warm', view: 'feels', version: 1, type: 'bool' },
        { name: 'sky', view: 'last_reading', version: 1, type: 'string' },
        { name: 'temp', view: 'last_reading', version: 1, type: 'float64' },
      ]);
      expect(body.training_sets).toContainEqual({
        id: set.id,
        created_at: set.manifest.createdAt,
        rows: 40,
        known_at: 'any',
      });
      const times = (body.training_sets ?? []).map(({ created_at }) => timeOf(created_at));
      expect(times).toEqual(times.toSorted((a, b) => (a < b ? 1 : -1)));
    } finally {
      await server.close();
    }
  });

  test('shows a set by the beginning of its id, with what has changed since', async () => {
    const { code, stdout } = await cli('dataset', 'show', set.id.slice(0, 12));
    expect(code).toBe(0);
    expect(stdout).toContain(`Training set ${set.id}`);
    expect(stdout).toMatch(/temp +float64 +last_reading@v1:temp +\d+\.\d % with a value/);
    expect(stdout).toMatch(/last_reading@v1 +restated +\[/);
    const told = asTold((await cli('dataset', 'show', set.id, '--json')).stdout);
    expect(told).toMatchObject({ id: set.id, restated: [{ kind: 'restated' }, { kind: 'added' }] });
  });

  test('verifies, and exits with 1 when a set cannot be made again', async () => {
    const fine = await cli('dataset', 'verify', set.id.slice(0, 12));
    expect(fine).toMatchObject({ code: 0, stdout: expect.stringContaining('the same bytes again') });
    const path = pathOf(set, 1);
    await rename(path, `${path}.away`);
    try {
      const { code, stdout, stderr } = await cli('dataset', 'verify', set.id.slice(0, 12));
      expect(code).toBe(1);
      expect(stdout).toContain('cannot be made again');
      expect(stderr).toMatch(/^STORE_CORRUPT: .* is not there any more\.\n$/);
    } finally {
      await rename(`${path}.away`, path);
    }
  });

  test('shows two sets side by side', async () => {
    const now = await buildTrainingSet(request(), deps);
    const { code, stdout } = await cli('dataset', 'diff', set.id, now.id);
    expect(code).toBe(0);
    expect(stdout).toContain('last_reading@v1: other files of the offline store');
    expect(stdout).toMatch(/ {2}temp: other values\n/);
    expect(stdout).toMatch(/p50 +\d/);
    expect(stdout).not.toContain('label:');
    const same = asTold((await cli('dataset', 'diff', set.id, set.id, '--json')).stdout);
    expect(same).toMatchObject({ rows: [40, 40], inputs: [] });
    expect((same.columns as { change: string }[]).every(({ change }) => change === 'same')).toBe(true);
  });

  test('says when no set, or more than one, is meant', async () => {
    const { code, stderr } = await cli('dataset', 'show', 'nothing');
    expect(code).toBe(1);
    expect(stderr).toContain('no set of project');
    const folder = join(set.path, '..', '..');
    const twin = `${set.id.slice(0, 60)}${set.id.endsWith('0000') ? '1111' : '0000'}`;
    const text = await readFile(join(folder, set.id, 'manifest.json'), 'utf8');
    await writeRows(join(folder, twin, 'data.parquet'), 'SELECT 1 AS one');
    await writeFile(join(folder, twin, 'manifest.json'), text.replace(set.id, twin));
    try {
      expect((await cli('dataset', 'show', set.id.slice(0, 12))).stderr).toContain('2 ids begin so');
    } finally {
      await rm(join(folder, twin), { recursive: true });
    }
  });
});
