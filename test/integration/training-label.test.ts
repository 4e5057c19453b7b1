import { readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { PassThrough } from 'node:stream';
import { beforeAll, describe, expect, test } from 'vitest';
import { main } from '../../src/cli/main.ts';
import { asOf } from '../../src/core/as-of.ts';
import { addDuration, durationOf, formatTime, type Micros, micros, timeOf } from '../../src/core/time.ts';
import type { Value } from '../../src/core/value-type.ts';
import { appliedBatchView } from '../../src/registry/applied-manifest.ts';
import { buildTrainingSet } from '../../src/training/build-training-set.ts';
import { diffTrainingSets } from '../../src/training/diff-training-sets.ts';
import type { LabelRequest } from '../../src/training/label.ts';
import type { TrainingDeps, TrainingSet, TrainingSetRequest } from '../../src/training/training-set.ts';
import { verifyTrainingSet } from '../../src/training/verify-training-set.ts';
import { materializeHere } from '../support/materialize-here.ts';
import { appliedProject, type TestProject } from '../support/project.ts';
import { trainingDeps } from '../support/training-deps.ts';

const definitions = `
export const thisProject = project({ name: '<project>' });
export const place = entity({ name: 'place', joinKeys: { place: 'string' } });
export const readings = parquetSource({
  name: 'readings', path: 'readings.parquet', timestampField: 'at', createdTimestampField: 'written_at',
});
const common = { version: 1, entities: [place], source: readings, schedule: '0 * * * *', startTime: '<start>', ttl: '30d' };
export const last = batchFeatureView({ ...common, name: 'last_reading', features: { temp: 'float64', sky: 'string' } });
export const later = batchFeatureView({
  ...common, name: 'later_reading', dataDelay: '10m', features: { temp: 'float64' },
});
export const busy = batchFeatureView({ ...common, name: 'busy', aggregations: { readings_2h: count('2h') } });
export const feels = onDemandFeatureView({
  name: 'feels', inputs: { now: last }, features: { warm: 'bool' }, transform: ({ now }) => ({ warm: now.temp === null ? null : now.temp > 4 }),
});`;

const PLACES = 3;
const MINUTES = 20;
const HOURS = 8;
let project: TestProject;
let deps: TrainingDeps;
let start: Micros;
const moment = (text: string) => addDuration(start, durationOf(text));

interface Row {
  readonly place: string;
  readonly when: Micros;
}
/** Every half an hour of twelve hours, at each place and at one without readings. */
let rows: readonly Row[];

beforeAll(async () => {
  project = await appliedProject({
    definitions,
    days: 1,
    data: {
      // One reading each twenty minutes, written two hours after those of every fifth.
      'readings.parquet': `SELECT 'p' || p AS place, TIMESTAMP '<start>' + to_minutes((i * ${MINUTES})::BIGINT) AS at,
        TIMESTAMP '<start>' + to_minutes((i * ${MINUTES} + if(i % 5 = 0, 120, 0))::BIGINT) AS written_at,
        (i + p / 10)::DOUBLE AS temp, 'clear' AS sky FROM range(72) t(i), range(${PLACES}) u(p)`,
    },
  });
  const { platform, name } = project;
  const registry = await platform.registry();
  for (const view of ['last_reading', 'later_reading', 'busy']) {
    const spec = await appliedBatchView(registry, { project: name, view, version: 1 });
    start = timeOf(spec.startTime);
    await materializeHere(project, { view: spec, range: { start, end: moment(`${HOURS}h`) } });
  }
  deps = await trainingDeps(project);
  rows = Array.from({ length: 24 * (PLACES + 1) }, (_, i) => ({
    place: `p${i % (PLACES + 1)}`,
    when: moment(`${Math.floor(i / (PLACES + 1)) * 30}m`),
  }));
  const lines = rows.map(({ place, when }, i) => `${place},${formatTime(when)},${i % 2}`);
  await writeFile(join(project.home, 'rows.csv'), `place,when,outcome\n${lines.join('\n')}\n`);
});

const request = (more: Partial<TrainingSetRequest> = {}): TrainingSetRequest => ({
  project: project.name,
  spine: { kind: 'csv', path: join(project.home, 'rows.csv'), timestampField: 'when' },
  features: { kind: 'references', references: ['later_reading:temp'] },
  knownAt: 'any',
  fullNames: true,
  ...more,
});
const later = (horizon: string): LabelRequest => ({ view: 'last_reading', feature: 'temp', horizon });
const build = (more: Partial<TrainingSetRequest> = {}) => buildTrainingSet(request(more), deps);

/** Rows of a set: when, place, and the columns asked for. */
async function read({ path }: TrainingSet, columns: Readonly<Record<string, 'float64' | 'int64'>>) {
  const { tables } = await project.platform.offline();
  const asked = [
    { name: 'when', type: 'timestamp' },
    { name: 'place', type: 'string' },
    ...Object.entries(columns).map(([name, type]) => ({ name, type })),
  ] as const;
  const found: (readonly Value[])[] = [];
  for await (const batch of tables.read(path, asked)) found.push(...batch);
  return found;
}

/** All readings, as rows of `last_reading`. */
const readings = () =>
  Array.from({ length: 72 * PLACES }, (_, i) => {
    const [at, p] = [Math.floor(i / PLACES), i % PLACES];
    const eventTime = moment(`${at * MINUTES}m`);
    return {
      key: [`p${p}`],
      eventTime,
      createdTime: at % 5 === 0 ? addDuration(eventTime, durationOf('2h')) : eventTime,
      revision: 0,
      values: [at + p / 10],
    };
  });

function expected(
  horizon: string,
  { until, knownAt }: { readonly until: Micros; readonly knownAt?: Micros },
) {
  const kept = rows.filter(({ when }) => when <= until);
  const winners = asOf(
    kept.map(({ place, when }) => ({ key: [place], time: when })),
    readings(),
    {
      ttl: null,
      dataDelay: durationOf('0s'),
      horizon: durationOf(horizon),
      knownAt: knownAt === undefined ? { kind: 'any' } : { kind: 'cutoff', at: knownAt },
    },
  );
  return kept.map(({ place, when }, at) => [when, place, winners[at]?.values[0] ?? null]);
}

describe('a label from a view', () => {
  test('is the newest value after a row up to its horizon, and rows whose horizon has not passed are left out', async () => {
    const set = await build({ label: later('90m') });
    // Complete until 8 h: a row that keeps its own time may still come for exactly then.
    const want = expected('90m', { until: micros(moment(`${HOURS}h`) - durationOf('90m') - 1n) });
    const name = 'label__last_reading__temp';
    expect(await read(set, { [name]: 'float64' })).toEqual(want);
    expect(want).toHaveLength(52);
    expect(set).toMatchObject({
      rows: 52,
      label: {
        column: name,
        text: `${name} (last_reading@v1:temp within 1h30m)`,
        leftOut: rows.length - 52,
        nullShare: 0.25,
      },
      nullShares: { later_reading__temp: expect.any(Number) },
    });
    expect(Object.keys(set.nullShares)).toEqual(['later_reading__temp']);
    const { contents, data } = set.manifest;
    expect(contents.label).toEqual({
      kind: 'view',
      name,
      type: 'float64',
      view: 'last_reading',
      version: 1,
      feature: 'temp',
      horizon: '1h30m',
      notAfter: formatTime(micros(moment('6h30m') - 1n)),
    });
    expect(data.leftOut).toBe(44);
  });

  test('is the last column, named like the feature', async () => {
    const set = await build({
      label: { view: 'busy', feature: 'readings_2h', horizon: '2h' },
      fullNames: false,
    });
    const page = await deps.profiler.profile({ format: 'parquet', paths: [set.path] });
    expect(page.columns.map(({ name }) => name)).toEqual(['place', 'when', 'outcome', 'temp', 'readings_2h']);
    // An aggregated row has its interval's end as its time: with 8 h done, a horizon that ends then has passed.
    const found = await read(set, { readings_2h: 'int64' });
    expect(found.at(-1)).toEqual([moment('6h'), 'p3', null]);
    expect(found.at(-2)).toEqual([moment('6h'), 'p2', 6n]);
    expect(set.label?.leftOut).toBe(rows.length - found.length);
  });

  test('with a cut-off is what was known then, of rows whose horizon had passed then', async () => {
    const knownAt = moment('5h');
    const set = await build({ label: later('90m'), knownAt: formatTime(knownAt) });
    const want = expected('90m', { until: moment('3h30m'), knownAt });
    expect(await read(set, { label__last_reading__temp: 'float64' })).toEqual(want);
    expect(want).not.toEqual(expected('90m', { until: moment('3h30m') }));
    expect(set.label?.leftOut).toBe(rows.length - want.length);
  });

  test('known at each row is not asked of a label, which is never known then', async () => {
    const set = await build({ label: later('1h'), knownAt: 'row' });
    const want = expected('1h', { until: micros(moment('7h') - 1n) });
    expect(await read(set, { label__last_reading__temp: 'float64' })).toEqual(want);
  });

  test.each([{}, { split: 'time:50/50' }, { split: 'entity:60/40' }, { format: 'csv' }] as const)(
    'is made again with the same bytes, and is found again (%j)',
    async (layout) => {
      const asked = { label: later('45m'), layout };
      const set = await build(asked);
      const { problems, verdict } = await verifyTrainingSet(set.manifest, deps);
      expect(problems).toEqual([]);
      expect(verdict).toBe('same');
      expect(await build(asked)).toEqual({ ...set, reused: true });
    },
  );

  test('is looked up for entity rows that the views themselves give, too', async () => {
    const spine = {
      kind: 'range',
      from: formatTime(moment('1h')),
      to: formatTime(moment('12h')),
      timestampField: 'when',
    } as const;
    const features = { kind: 'references', references: ['last_reading:temp'] } as const;
    const set = await build({
      spine,
      features,
      label: { view: 'busy', feature: 'readings_2h', horizon: '2h' },
    });
    // Readings of each twenty minutes from 1 h on, up to two hours before what is complete.
    const times = Array.from({ length: 21 }, (_, i) => 3 + i).filter((i) => i * MINUTES >= 60);
    const kept = times.filter((i) => i * MINUTES <= 6 * 60);
    expect(set.rows).toBe(kept.length * PLACES);
    expect(set.label).toMatchObject({ leftOut: (times.length - kept.length) * PLACES, nullShare: 0 });
    // Rows are of the moments at which serving first saw them: their own times are what they should be.
    expect(set.possibleLeakage).toEqual([]);
    expect((await verifyTrainingSet(set.manifest, deps)).verdict).toBe('same');
  });

  test('decides the name of the set, with its horizon', async () => {
    const sets = await Promise.all([
      build(),
      build({ label: { column: 'outcome' } }),
      build({ label: later('1h') }),
      build({ label: later('2h') }),
      build({ label: later('60m') }),
    ]);
    const ids = sets.map(({ id }) => id);
    expect(new Set(ids).size).toBe(4);
    expect(ids[4]).toBe(ids[2]);
    const [none, , hour, twoHours] = sets;
    const { inputs } = await diffTrainingSets(hour!.manifest, twoHours!.manifest, deps);
    expect(inputs[0]).toMatch(
      /^label: label__last_reading__temp \(last_reading@v1:temp within 1h\), rows until/,
    );
    expect(none!.manifest.contents).not.toHaveProperty('label');
    expect(none!.label).toBeUndefined();
  });

  test('has its view among those that read it, and its own place on the page of statistics', async () => {
    const set = await build({ label: later('1h'), statistics: true });
    const readers = await deps.registry.load(project.name);
    expect(readers).toBeDefined();
    const registry = await project.platform.registry();
    expect(
      await registry.consumers({ project: project.name, view: 'last_reading', version: 1 }),
    ).toContainEqual({
      kind: 'training_set',
      name: set.id,
    });
    const page = await readFile(set.statistics ?? '', 'utf8');
    const [label = '', features = ''] = page.split('<h2>Label</h2>')[1]?.split('<h2>Features</h2>') ?? [];
    expect(label).toContain('last_reading@v1:temp');
    expect(features).not.toContain('label__last_reading__temp');
  });

  test.each([
    [later('6 hours'), {}, 'REQUEST_INVALID', 'its horizon "6 hours" is not a duration'],
    [later('0h'), {}, 'REQUEST_INVALID', 'its horizon "0h" is not a duration'],
    [{ view: 'last_reading', feature: 'tmp', horizon: '1h' }, {}, 'UNKNOWN_FEATURE', 'Did you mean "temp"?'],
    [{ view: 'last_reading', feature: '*', horizon: '1h' }, {}, 'REQUEST_INVALID', 'a label is one feature'],
    [{ view: 'feels', feature: 'warm', horizon: '1h' }, {}, 'REQUEST_INVALID', 'is computed on demand'],
    [{ view: 'busy', feature: 'readings_2h', version: 2, horizon: '1h' }, {}, 'UNKNOWN_VIEW', 'at version 2'],
    [later('1h'), { fullNames: false }, 'REQUEST_INVALID', 'Cannot name two outputs "temp"'],
    [later('9h'), {}, 'REQUEST_INVALID', 'the horizon of 9h has passed for no entity row'],
    [{ column: 'outcom' }, {}, 'REQUEST_INVALID', 'the entity rows have no such column'],
    [{ column: 'when' }, {}, 'REQUEST_INVALID', 'it is the column of entity row times'],
  ] as const)('%j with %j: %s, %s', async (label, more, code, text) => {
    await expect(build({ label, ...more })).rejects.toMatchObject({
      code,
      message: expect.stringContaining(text),
    });
  });
});

describe('possible leakage', () => {
  test('is a view that gives rows values of exactly their own times, and none with a data delay', async () => {
    const leaking = await build({
      features: { kind: 'references', references: ['last_reading:temp', 'busy:*'] },
    });
    // On the hour: a reading each third time of half an hour, for three of four places; busy's window ends before.
    const count = rows.filter(
      ({ place, when }) =>
        place !== 'p3' && when < moment(`${HOURS}h`) && (when - start) % durationOf('20m') === 0n,
    ).length;
    expect(leaking.possibleLeakage).toEqual([
      { view: 'last_reading@v1', keys: { place: 'place' }, rows: count, share: count / rows.length },
    ]);
    expect(count).toBeGreaterThan(20);
    expect(leaking.manifest.data.possibleLeakage).toEqual(leaking.possibleLeakage);
    expect((await build()).possibleLeakage).toEqual([]);
    expect((await build({ label: later('1h') })).possibleLeakage).toEqual([]);
  });
});

describe('tidemark train', () => {
  async function cli(...args: readonly string[]) {
    const streams = { stdout: new PassThrough(), stderr: new PassThrough() };
    const code = await main(args, { env: project.env, cwd: project.home, streams });
    const text = (stream: PassThrough) => String(stream.read() ?? '');
    return { code, stdout: text(streams.stdout), stderr: text(streams.stderr) };
  }

  test('takes a label, says what was left out and what may leak; so does dataset show', async () => {
    const args = [
      'train',
      'last_reading:temp',
      '--spine',
      'rows.csv',
      '--timestamp',
      'when',
      '--no-statistics',
    ];
    const made = await cli(...args, '--label', 'busy:readings_2h', '--horizon', '2h');
    expect(made.stderr).not.toContain('Cannot');
    expect(made.stdout).toContain(
      'label: readings_2h (busy@v1:readings_2h within 2h); 75.0 % with a value; 44 rows left out, as their horizon had not passed',
    );
    expect(made.stdout).toMatch(
      /possible leakage: last_reading@v1 gave \d+ rows \(.* %\) values of exactly their own times; .* dataDelay/,
    );
    const [, id = ''] = /Training set ([0-9a-f]+)/.exec(made.stdout) ?? [];
    const shown = await cli('dataset', 'show', id);
    expect(shown.stdout).toMatch(
      /label +readings_2h \(busy@v1:readings_2h within 2h\); 44 rows after .* left out/,
    );
    expect(shown.stdout).toContain('possible leakage: last_reading@v1');
    await rm(join(deps.offlineRoot, project.name, 'training-sets'), { recursive: true });
  });
});
