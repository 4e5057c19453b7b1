import { randomUUID } from 'node:crypto';
import { readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { showLines } from '../../src/cli/dataset-lines.ts';
import type { BatchViewSpec, FeatureSpec, OnDemandViewSpec } from '../../src/core/feature-view.ts';
import type { Manifest } from '../../src/core/manifest.ts';
import type { OnDemandTransform } from '../../src/core/on-demand.ts';
import { durationOf, type Micros, micros, timeOf } from '../../src/core/time.ts';
import type { ValueType } from '../../src/core/value-type.ts';
import type { CommittedFile } from '../../src/ledger/ledger.ts';
import type { Spine } from '../../src/offline/as-of-engine.ts';
import { createDuckDbTableArranger } from '../../src/offline/duckdb/tables/duckdb-table-arranger.ts';
import { createDuckDbTableProfiler } from '../../src/offline/duckdb/tables/duckdb-table-profiler.ts';
import { buildTrainingSet } from '../../src/training/build-training-set.ts';
import { planTrainingSet } from '../../src/training/plan-training-set.ts';
import type { TrainingDeps, TrainingSetRequest } from '../../src/training/training-set.ts';
import { verifyTrainingSet } from '../../src/training/verify-training-set.ts';
import { createDuckDbWorld, type DuckDbWorld } from '../conformance/duckdb-world.ts';

const about = { description: '', owner: '', tags: {} };
const feature = (name: string, type: ValueType): FeatureSpec => ({ name, type, description: '' });
const HOUR = durationOf('1h');
const hour = (n: number): Micros => micros(timeOf('2026-01-01') + BigInt(n) * HOUR);

const weather: BatchViewSpec = {
  ...about,
  kind: 'batch_view',
  name: 'weather',
  version: 1,
  entities: ['airport'],
  joinKeys: [{ name: 'airport', type: 'string' }],
  sources: [],
  transformation: { kind: 'passthrough' },
  timestampField: 'at',
  createdTimestampField: null,
  features: [feature('temp', 'float64'), feature('wind', 'int64'), feature('gusts', 'array<int64>')],
  schedule: '0 * * * *',
  startTime: '2026-01-01T00:00:00Z',
  dataDelay: '0s',
  ttl: '3h',
  freshnessSla: null,
  online: true,
  paused: false,
  quality: [],
  fingerprint: 'weather-1',
};

const made: readonly FeatureSpec[] = [
  feature('feels', 'float64'),
  feature('count', 'int64'),
  feature('seen', 'timestamp'),
  feature('day', 'date'),
  feature('all', 'array<int64>'),
  feature('place', 'vector(2)'),
  feature('raw', 'bytes'),
  feature('note', 'json'),
];
const chill: OnDemandViewSpec = {
  ...about,
  kind: 'on_demand_view',
  name: 'chill',
  version: 1,
  inputs: [
    {
      kind: 'view',
      name: 'now',
      view: 'weather',
      version: 1,
      features: [feature('wind', 'int64'), feature('gusts', 'array<int64>')],
    },
    {
      kind: 'request',
      name: 'request',
      fields: [
        { name: 'hour', type: 'int32' },
        { name: 'ts', type: 'timestamp' },
      ],
    },
  ],
  features: made,
  fingerprint: 'chill-1',
};

const manifest: Manifest = {
  project: 'demo',
  entities: [],
  sources: [
    {
      kind: 'parquet',
      name: 'flights',
      path: 'flights.parquet',
      timestampField: 'sched',
      createdTimestampField: null,
      columns: [],
      ...about,
    },
  ],
  views: [chill, weather],
  services: [
    {
      kind: 'feature_service',
      name: 'delays',
      ...about,
      members: [
        { view: 'chill', version: 1, features: ['feels'] },
        { view: 'weather', version: 1, features: ['temp'] },
      ],
    },
  ],
  trainingSetSchedules: [],
};

const transform: OnDemandTransform = ({ now, request }) => {
  const wind = now?.wind ?? null;
  return {
    feels: wind === null ? null : Number(wind) * Number(request?.hour),
    count: 3,
    seen: request?.ts,
    day: '2026-01-01',
    all: now?.gusts ?? null,
    place: [1, wind === null ? 0 : Number(wind)],
    raw: Uint8Array.of(0, 255),
    note: { wind: String(wind) },
  };
};

const QUERY = 'SELECT origin AS airport, dest, hour, ts, label FROM flights ORDER BY label';

let world: DuckDbWorld;
let files: CommittedFile[];
let spine: Spine;

beforeAll(async () => {
  world = await createDuckDbWorld();
  files = [await weatherFile(0, 4, 0, 1), await weatherFile(4, 8, 0, 1)];
  const path = join(world.folder, 'flights.parquet');
  await world.run(
    `COPY (SELECT i AS label, 'JFK' AS origin, if(i % 2 = 0, 'LAX', NULL) AS dest, i::SMALLINT AS hour, TIMESTAMP '2026-01-01' + to_hours(i::BIGINT) AS ts, TIMESTAMPTZ '2026-01-01 00:00:00+00' + to_hours(i::BIGINT) AS sched FROM range(1, 13) t(i)) TO '${path}' (FORMAT parquet)`,
  );
  spine = {
    kind: 'query',
    query: QUERY,
    timestampField: 'ts',
  };
});
afterAll(() => world.close());

/** One reading of JFK an hour, with the hour as wind. */
async function weatherFile(
  from: number,
  to: number,
  revision: number,
  factor: number,
): Promise<CommittedFile> {
  const hours = Array.from({ length: to - from }, (_, index) => from + index);
  const path = await world.writeFeatures(
    weather,
    hours.map((n) => ({
      key: ['JFK'],
      eventTime: hour(n),
      createdTime: micros(hour(n) + HOUR / 2n),
      intervalEnd: hour(n + 1),
      values: [n / 2, BigInt(n * factor), null],
    })),
  );
  const range = { start: hour(from), end: hour(to) };
  return {
    path,
    range,
    fileRange: range,
    revision,
    rows: hours.length,
    bytes: 1,
    digest: `digest-of-${from}-${to}-${factor}`,
    inputDigest: 'input',
    committedAt: hour(100),
  };
}

/** The ports that a build asks a few questions of; the engine and the files are real. */
function deps(more: Partial<TrainingDeps> = {}): TrainingDeps {
  return {
    registry: {
      load: async (project) =>
        project === 'demo' ? { manifest, revision: 1, appliedAt: hour(0) } : undefined,
      servingVersions: async () => new Map([['weather', 1]]),
      addTrainingSet: async () => undefined,
      addServiceSet: async () => undefined,
    },
    ledger: {
      files: async (_version, range) =>
        files.filter(
          (file) => range === undefined || (file.range.start < range.end && range.start < file.range.end),
        ),
      history: async () => files.map((file) => ({ ...file, file })),
      coverage: async () => ({
        committed: files.map(({ range }) => range),
        running: [],
        held: [],
        approved: [],
        failed: [],
      }),
    },
    asOf: world.engine,
    arranger: createDuckDbTableArranger(world.db),
    profiler: createDuckDbTableProfiler(world.db),
    onDemand: new Map([['chill@v1', transform]]),
    clock: () => hour(200),
    offlineRoot: join(world.folder, 'offline'),
    ...more,
  };
}

function request(more: Partial<TrainingSetRequest> = {}): TrainingSetRequest {
  return {
    project: 'demo',
    spine,
    features: { kind: 'service', service: 'delays' },
    knownAt: 'any',
    fullNames: false,
    ...more,
  };
}

const references = (...texts: string[]) => ({ kind: 'references', references: texts }) as const;

describe('a training set', () => {
  test('holds the spine, then the features as of each row’s time, with what functions make of them', async () => {
    const set = await buildTrainingSet(request(), deps());
    const rows = await world.read(set.path);
    expect(Object.keys(rows[0] ?? {})).toEqual(['airport', 'dest', 'hour', 'ts', 'label', 'feels', 'temp']);
    expect(rows.map(({ hour: at, temp, feels }) => [at, temp, feels])).toEqual(
      Array.from({ length: 12 }, (_, index) => {
        const at = index + 1;
        const seen = Math.min(at, 7);
        return at - seen > 3 ? [at, null, null] : [at, seen / 2, seen * at];
      }),
    );
    expect(set.nullShares).toEqual({ feels: 2 / 12, temp: 2 / 12 });
    expect(set).toMatchObject({ rows: 12, reused: false });
  });

  test('is whole on disk: the data, and a manifest of what it was made of', async () => {
    const set = await buildTrainingSet(request(), deps());
    expect((await readdir(dirname(set.path))).toSorted()).toEqual(['data.parquet', 'manifest.json']);
    expect(dirname(set.path)).toBe(join(world.folder, 'offline', 'demo', 'training-sets', set.id));
    const written = JSON.parse(await readFile(join(dirname(set.path), 'manifest.json'), 'utf8'));
    expect(written).toEqual(set.manifest);
    expect(written.contents.views[0]).toMatchObject({
      view: 'weather',
      fingerprint: 'weather-1',
      keys: { airport: 'airport' },
      features: ['wind', 'gusts', 'temp'],
      slices: [
        { digest: 'digest-of-0-4-1', start: '2026-01-01T00:00:00Z', end: '2026-01-01T04:00:00Z' },
        { digest: 'digest-of-4-8-1' },
      ],
    });
    expect(written.createdAt).toBe('2026-01-09T08:00:00Z');
  });

  test('is found again by the same request, and made again with the same bytes when it is gone', async () => {
    const first = await buildTrainingSet(request(), deps());
    const again = await buildTrainingSet(request(), deps({ clock: () => hour(300) }));
    expect(again).toEqual({ ...first, reused: true });
    expect(again.manifest.createdAt).toBe(first.manifest.createdAt);
    await rm(join(dirname(first.path), 'manifest.json'));
    const rebuilt = await buildTrainingSet(request(), deps());
    expect(rebuilt.reused).toBe(false);
    expect(rebuilt.manifest.data).toEqual(first.manifest.data);
  });

  test('has another name when anything that decides its content differs, and only then', async () => {
    const id = async (more: Partial<TrainingSetRequest> = {}) =>
      (await planTrainingSet(request(more), deps())).id;
    const base = await id();
    const commented: Spine = { kind: 'query', query: `${QUERY} -- again`, timestampField: 'ts' };
    expect(await id({ spine: commented })).toBe(base);
    const others = await Promise.all([
      id({ knownAt: 'row' }),
      id({ knownAt: '2026-01-05' }),
      id({ fullNames: true }),
      id({ features: references('weather:temp', 'chill:feels') }),
      id({
        spine: {
          kind: 'query',
          query: `${QUERY} DESC`,
          timestampField: 'ts',
        },
      }),
    ]);
    expect(new Set([base, ...others]).size).toBe(6);
    const before = files;
    files = [files[0]!, await weatherFile(4, 8, 1, 2)];
    expect(await id()).not.toBe(base);
    files = before;
    expect(await id()).toBe(base);
  });

  test('has another name, and other values, when the text of a function is another', async () => {
    const first = await buildTrainingSet(request(), deps());
    const doubled: OnDemandTransform = (inputs) => ({ ...transform(inputs), feels: 2 });
    const second = await buildTrainingSet(request(), deps({ onDemand: new Map([['chill@v1', doubled]]) }));
    expect(second.id).not.toBe(first.id);
    expect((await world.read(second.path))[0]?.feels).toBe(2);
  });

  test('sees only what was known by a cut-off, or at each row’s time', async () => {
    const at = async (knownAt: string) => {
      const set = await buildTrainingSet(request({ knownAt, features: references('weather:wind') }), deps());
      return (await world.read(set.path)).map(({ wind }) => wind);
    };
    expect((await at('row')).slice(0, 3)).toEqual([0n, 1n, 2n]);
    expect((await at('2026-01-01T02:30:00Z')).slice(0, 7)).toEqual([1n, 2n, 2n, 2n, 2n, null, null]);
  });

  test('takes every type a function can give', async () => {
    const set = await buildTrainingSet(request({ features: references('chill:*') }), deps());
    const [first, , third] = await world.read(set.path);
    expect(first).toMatchObject({
      feels: 1,
      count: 3n,
      seen: hour(1),
      day: '2026-01-01',
      all: null,
      place: [1, 1],
      raw: Uint8Array.of(0, 255),
      note: '{"wind":"1"}',
    });
    expect(third).toMatchObject({ seen: hour(3), note: '{"wind":"3"}' });
    const types = await world.run(
      `SELECT column_name, column_type FROM (DESCRIBE SELECT * FROM read_parquet('${set.path}'))`,
    );
    expect(types.slice(5).map(([, type]) => type)).toEqual([
      'DOUBLE',
      'BIGINT',
      'TIMESTAMP',
      'DATE',
      'BIGINT[]',
      'FLOAT[]',
      'BLOB',
      // Text, as Polars reads a column that is said to be JSON as bytes.
      'VARCHAR',
    ]);
  });

  test('joins a view twice under two prefixes', async () => {
    const set = await buildTrainingSet(
      request({
        features: references('weather:wind'),
        aliases: [
          { view: 'weather', prefix: 'here_', keys: {} },
          { view: 'weather', prefix: 'there_', keys: { airport: 'dest' } },
        ],
      }),
      deps(),
    );
    expect((await world.read(set.path))[1]).toMatchObject({ here_wind: 2n, there_wind: null });
  });

  test('computes functions over more rows than are held at a time', async () => {
    const path = join(world.folder, 'many.parquet');
    await world.run(
      `COPY (SELECT 'JFK' AS airport, (i % 5)::INTEGER AS hour, i AS label, TIMESTAMP '2026-01-01 06:00:00' AS ts FROM range(100001) t(i)) TO '${path}' (FORMAT parquet)`,
    );
    const shares: number[] = [];
    const set = await buildTrainingSet(
      request({ spine: { kind: 'parquet', path, timestampField: 'ts' } }),
      deps(),
      { onProgress: ({ share }) => shares.push(share) },
    );
    const [row] = await world.run(
      `SELECT count(*), count(*) FILTER (feels = hour * 6), count(*) FILTER (label = n) FROM (SELECT *, row_number() OVER () - 1 AS n FROM read_parquet('${set.path}'))`,
    );
    expect(row?.map(Number)).toEqual([100_001, 100_001, 100_001]);
    expect(shares).toEqual(shares.toSorted((a, b) => a - b));
    expect(shares.at(-1)).toBe(1);
  });
});

describe('a training set that cannot be made', () => {
  async function csv(text: string): Promise<Spine> {
    const path = join(world.folder, `${randomUUID()}.csv`);
    await writeFile(path, text);
    return { kind: 'csv', path, timestampField: 'ts' };
  }
  const failing = (transformed: OnDemandTransform) =>
    buildTrainingSet(
      request({ features: references('chill:count') }),
      deps({ onDemand: new Map([['chill@v1', transformed]]) }),
    );

  test.each([
    [{ project: 'nobody' }, 'UNKNOWN_PROJECT', 'nothing has been applied'],
    [{ knownAt: 'yesterday' }, 'REQUEST_INVALID', '"yesterday" as a known-at'],
    [{ features: references('wether:temp') }, 'UNKNOWN_VIEW', 'Did you mean "weather"?'],
    [{ features: references('weather:*', 'weather:tmp') }, 'UNKNOWN_FEATURE', 'Did you mean "temp"?'],
  ])('%j: %s', async (more, code, text) => {
    await expect(buildTrainingSet(request(more), deps())).rejects.toMatchObject({
      code,
      message: expect.stringContaining(text),
    });
  });

  test('says which request data the spine lacks, all of it', async () => {
    const bare = await csv('airport,hour,ts\nJFK,one,2026-01-01T01:00:00\n');
    await expect(
      buildTrainingSet(request({ spine: { ...bare, timestampField: 'ts' } }), deps()),
    ).rejects.toMatchObject({
      code: 'SPINE_INVALID',
      problems: [{ where: 'hour', message: 'its column is string; int32 is needed.' }],
    });
    const other = { ...(await csv('airport,at\nJFK,2026-01-01T01:00:00\n')), timestampField: 'at' };
    await expect(buildTrainingSet(request({ spine: other }), deps())).rejects.toMatchObject({
      code: 'SPINE_INVALID',
      problems: [{ where: 'hour' }, { where: 'ts' }],
    });
  });

  test('names the row whose request data is missing or does not fit', async () => {
    const gap = await csv('airport,hour,ts\nJFK,1,2026-01-01T01:00:00\nJFK,,2026-01-01T01:00:00\n');
    await expect(buildTrainingSet(request({ spine: gap }), deps())).rejects.toMatchObject({
      code: 'SPINE_INVALID',
      message: expect.stringContaining('row 2 has no "hour", which view "chill" needs'),
    });
    const large = await csv('airport,hour,ts\nJFK,3000000000,2026-01-01T01:00:00\n');
    await expect(buildTrainingSet(request({ spine: large }), deps())).rejects.toMatchObject({
      code: 'SPINE_INVALID',
      message: expect.stringContaining('chill@v1 needs it'),
    });
  });

  test('names the view and row at which a function fails, and leaves nothing', async () => {
    let calls = 0;
    await expect(
      failing((inputs) => {
        calls += 1;
        if (calls === 5) throw new Error('no wind today');
        return transform(inputs);
      }),
    ).rejects.toMatchObject({
      code: 'DEFINITION_INVALID',
      message: 'Cannot compute view "chill" at version 1 for row 5 of the spine: it threw: no wind today.',
    });
    await expect(failing(() => ({ count: 'many' }))).rejects.toThrow('it returned');
    const { id } = await planTrainingSet(request({ features: references('chill:count') }), deps());
    await expect(readdir(join(world.folder, 'offline', 'demo', 'training-sets', id))).rejects.toThrow(
      'ENOENT',
    );
  });

  test('says when the function of a view is not there', async () => {
    await expect(buildTrainingSet(request(), deps({ onDemand: new Map() }))).rejects.toMatchObject({
      code: 'DEFINITION_INVALID',
      message: expect.stringMatching(
        /its function is not in this feature repository as .* has to be started again\.$/,
      ),
    });
  });

  test('is not one of no rows: a CSV file may have only its header, request data and all', async () => {
    const set = await buildTrainingSet(request({ spine: await csv('airport,hour,ts,label\n') }), deps());
    expect(set).toMatchObject({ rows: 0, reused: false, nullShares: { temp: null } });
    expect(showLines(set.manifest, '', []).join('\n')).toMatch(/ no rows$/m);
    expect(await verifyTrainingSet(set.manifest, deps())).toMatchObject({ verdict: 'same' });
    await expect(
      buildTrainingSet(request({ spine: await csv('airport,ts\n') }), deps()),
    ).rejects.toMatchObject({ code: 'SPINE_INVALID', message: expect.stringContaining('no such column') });
  });

  test('tells before a build starts that a spine column is named like a feature, in any case', async () => {
    const taken = await csv('airport,hour,ts,Wind\nJFK,1,2026-01-01T01:00:00,2\n');
    const asked = request({ spine: taken, features: references('weather:wind') });
    await expect(planTrainingSet(asked, deps())).rejects.toMatchObject({
      code: 'SPINE_INVALID',
      message: expect.stringContaining(
        'its column "Wind" and feature "wind" of weather@v1 would both be the column "wind"; rename the column, ask for full names, or give the view an alias',
      ),
    });
    const here = [{ view: 'weather', prefix: 'here_', keys: {} }];
    await expect(planTrainingSet({ ...asked, aliases: here }, deps())).resolves.toBeDefined();
  });

  test('refuses a spine column that a function’s feature would replace', async () => {
    const taken = await csv('airport,hour,ts,feels\nJFK,1,2026-01-01T01:00:00,2\n');
    await expect(buildTrainingSet(request({ spine: taken }), deps())).rejects.toMatchObject({
      code: 'SPINE_INVALID',
      message: expect.stringContaining('its column "feels" and "feels" of chill@v1'),
    });
  });
});
