import { createHash } from 'node:crypto';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { cp, readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { FeatureSpec } from '../../src/core/feature-view.ts';
import { type DurationMicros, durationOf, micros, timeOf } from '../../src/core/time.ts';
import type { KeyType } from '../../src/core/value-type.ts';
import type { AsOfView, JoinProgress, Spine } from '../../src/offline/as-of-engine.ts';
import { createDuckDbAsOfEngine } from '../../src/offline/duckdb/as-of/duckdb-as-of-engine.ts';
import { createDuckDb } from '../../src/offline/duckdb/engine.ts';
import type { RevisedSlice } from '../../src/offline/feature-reader.ts';
import { createDuckDbWorld, type DuckDbWorld } from './duckdb-world.ts';

let world: DuckDbWorld;
beforeAll(async () => {
  world = await createDuckDbWorld();
});
afterAll(() => world.close());

const feature: FeatureSpec = { name: 'temp', type: 'float64', description: '' };
const NO_DELAY = 0n as DurationMicros;

function weather(keyType: KeyType, slices: readonly RevisedSlice[], more: Partial<AsOfView> = {}): AsOfView {
  return {
    view: 'weather',
    version: 1,
    joinKeys: [{ name: 'airport', type: keyType }],
    spineColumns: ['airport'],
    features: [{ feature, output: 'temp' }],
    ttl: null,
    dataDelay: NO_DELAY,
    slices,
    ...more,
  };
}

/** Readings of `007` at 01:00 and 02:00 on the night when clocks go forward in Europe. */
async function readings(keyType: KeyType = 'string', key: string | bigint = '007'): Promise<RevisedSlice> {
  const rows = ['2026-03-29T01:00:00Z', '2026-03-29T02:00:00.000001Z'].map((time, index) => ({
    key: [key],
    eventTime: timeOf(time),
    createdTime: timeOf(time),
    intervalEnd: timeOf('2026-03-29T03:00:00Z'),
    values: [index + 1],
  }));
  const path = await world.writeFeatures(
    { joinKeys: [{ name: 'airport', type: keyType }], features: [feature] },
    rows,
  );
  return { path, revision: 0 };
}

async function joined(spine: Spine, views: readonly AsOfView[]) {
  const path = world.outputPath();
  const result = await world.engine.join({ spine, views, knownAt: { kind: 'any' }, path });
  return { path, result, rows: await world.read(path) };
}

let files = 0;
async function csv(text: string): Promise<Spine> {
  const path = join(world.folder, `spine-${files++}.csv`);
  await writeFile(path, text);
  return { kind: 'csv', path, timestampField: 'at' };
}

describe('a CSV spine', () => {
  test('has its keys read as the key’s type, and zoned, naive and mixed times as UTC', async () => {
    const spine = await csv(
      [
        'label,airport,at',
        'a,007,2026-03-29T02:00:00.000001',
        'b,007,2026-03-29T04:00:00+02:00',
        'c,7,2026-03-29T02:00:00.000001Z',
        'd,007,2026-03-29T00:59:59Z',
        'e,,2026-03-29T02:30:00Z',
      ].join('\n'),
    );
    const { rows } = await joined(spine, [weather('string', [await readings()])]);
    expect(rows.map(({ label, airport, temp }) => [label, airport, temp])).toEqual([
      ['a', '007', 2],
      ['b', '007', 1],
      ['c', '7', null],
      ['d', '007', null],
      ['e', null, null],
    ]);
  });

  test.each(['5.7', 'x', '9223372036854775808'])(
    'with %s for a key of whole numbers is one error that names file, column and value',
    async (value) => {
      const spine = await csv(`airport,at\n1,2026-03-29\n${value},2026-03-29\n`);
      await expect(joined(spine, [weather('int32', [])])).rejects.toMatchObject({
        code: 'SPINE_INVALID',
        message: `Cannot use the spine ${'path' in spine && spine.path}: column "airport" of ${'path' in spine && spine.path} has "${value}", which is no int64.`,
      });
    },
  );

  test.each<KeyType>(['int32', 'int64', 'string', 'bool', 'date'])(
    'of a header alone is no rows, as an empty Parquet file is (a key of type %s)',
    async (keyType) => {
      const spine = await csv('airport,at,label\n');
      const { result, path } = await joined(spine, [weather(keyType, [])]);
      expect(result).toMatchObject({ rows: 0, nulls: { temp: 0 } });
      const columns = await world.run(`DESCRIBE SELECT * FROM read_parquet('${path}')`);
      expect(columns.map(([name, type]) => [name, type])).toEqual([
        [
          'airport',
          { int32: 'BIGINT', int64: 'BIGINT', string: 'VARCHAR', bool: 'BOOLEAN', date: 'DATE' }[keyType],
        ],
        ['at', 'VARCHAR'],
        ['label', 'VARCHAR'],
        ['temp', 'DOUBLE'],
      ]);
      const parquet = join(world.folder, 'no-rows.parquet');
      await world.run(
        `COPY (SELECT 1::BIGINT AS airport, TIMESTAMP '2026-01-01' AS at LIMIT 0) TO '${parquet}' (FORMAT parquet)`,
      );
      const empty: Spine = { kind: 'parquet', path: parquet, timestampField: 'at' };
      expect((await joined(empty, [weather('int64', [])])).result.rows).toBe(0);
    },
  );

  test('without even a header is refused, as a JSON file without lines is', async () => {
    const spine = await csv('');
    await expect(joined(spine, [])).rejects.toThrow(': it is empty, without even a header.');
    const path = join(world.folder, 'no-lines.jsonl');
    await writeFile(path, '');
    await expect(joined({ kind: 'json', path, timestampField: 'at' }, [])).rejects.toThrow(': it is empty.');
  });

  test('says how many rows have no time that can be read', async () => {
    const spine = await csv(
      'airport,at\n007,2026-03-29T02:00:00\n007,yesterday\n007,\n007,2026-03-29 02:00:00 Europe/Berlin\n',
    );
    await expect(joined(spine, [])).rejects.toMatchObject({
      code: 'SPINE_INVALID',
      message: expect.stringContaining('3 of its 4 rows have no time in "at"'),
    });
  });
});

describe('HUGEINT, which Parquet does not have,', () => {
  test('is a whole number of a spine query, to the last digit, key or not', async () => {
    const query = `SELECT 7::HUGEINT AS airport, 9007199254740993::HUGEINT AS n, TIMESTAMP '2026-03-29 02:00:00' AS at`;
    const spine: Spine = { kind: 'query', query, timestampField: 'at' };
    const { rows } = await joined(spine, [weather('int64', [await readings('int64', 7n)])]);
    expect(rows).toMatchObject([{ airport: 7n, n: 9007199254740993n, temp: 1 }]);
    const far: Spine = { ...spine, query: query.replace('9007199254740993', '9223372036854775808') };
    await expect(joined(far, [])).rejects.toMatchObject({
      code: 'SPINE_INVALID',
      message: expect.stringContaining('9223372036854775808'),
    });
  });

  test('is DOUBLE in a Parquet spine: refused for a key with what to do, taken otherwise', async () => {
    const path = join(world.folder, 'huge.parquet');
    await world.run(
      `COPY (SELECT 7::HUGEINT AS airport, TIMESTAMP '2026-03-29' AS at) TO '${path}' (FORMAT parquet)`,
    );
    const spine: Spine = { kind: 'parquet', path, timestampField: 'at' };
    await expect(joined(spine, [weather('int64', [])])).rejects.toThrow(
      'which takes TINYINT, SMALLINT, INTEGER, BIGINT, UTINYINT, USMALLINT, UINTEGER, UBIGINT; cast it to BIGINT before it is written',
    );
    expect((await joined(spine, [])).rows).toMatchObject([{ airport: 7 }]);
  });
});

describe('a query spine', () => {
  const query = (text: string): Spine => ({
    kind: 'query',
    query: text,
    timestampField: 'seen',
    sources: [
      {
        kind: 'csv',
        name: 'flights',
        path: 'flights.csv',
        timestampField: 'sched',
        createdTimestampField: null,
        columns: [],
        description: '',
        owner: '',
        tags: {},
      },
    ],
  });
  beforeAll(() =>
    writeFile(
      join(world.folder, 'flights.csv'),
      'airport,sched,end\nx,2026-03-29 04:00:00,\ny,2026-03-29 05:00:00,\n',
    ),
  );

  test('reads the sources by name, in the order it asks for', async () => {
    const spine = query(
      'SELECT airport, sched - INTERVAL 2 HOUR AS seen FROM flights -- newest first\nORDER BY seen DESC;',
    );
    const { rows } = await joined(spine, []);
    expect(rows.map(({ airport }) => airport)).toEqual(['y', 'x']);
  });

  test('has a digest of its rows and their order', async () => {
    const ascending = query('SELECT airport, sched AS seen FROM flights ORDER BY seen');
    const digests = await Promise.all(
      [
        ascending,
        query('SELECT airport, sched AS seen  FROM flights ORDER BY airport'),
        query('SELECT airport, sched AS seen FROM flights ORDER BY seen DESC'),
      ].map(async (spine) => (await world.engine.describeSpine(spine)).digest),
    );
    expect(digests[0]).toBe(digests[1]);
    expect(digests[0]).not.toBe(digests[2]);
  });

  test('is refused when it gives other rows than those it was described by', async () => {
    const spine = query('SELECT airport, sched AS seen, random() AS r FROM flights');
    const { digest } = await world.engine.describeSpine(spine);
    await expect(
      world.engine.join({
        spine,
        spineDigest: digest,
        views: [],
        knownAt: { kind: 'any' },
        path: world.outputPath(),
      }),
    ).rejects.toMatchObject({
      code: 'SPINE_INVALID',
      message: expect.stringContaining('it gave other rows'),
    });
  });

  test.each([
    ['SELECT * FROM elsewhere', 'it reads elsewhere'],
    ["SELECT * FROM read_csv('/etc/passwd')", 'it reads read_csv()'],
    ['SELEC 1', 'Cannot use the spine query: syntax error at or near "SELEC" (line 1, character 1).'],
    [
      'SELECT sched AS seen\nFROM flights WHERE end > sched',
      'near "end" (line 2, character 20): "end" is a word of SQL, and the column of that name is written "end", in double quotes.',
    ],
    ['SELECT nothing AS seen FROM flights', 'nothing'],
    ['SELECT sched AS seen FROM flights WHERE sched < $interval_end', 'the parameter $interval_end'],
    ['DROP TABLE flights', 'SELECT'],
  ])('%s is refused', async (text, reason) => {
    await expect(joined(query(text), [])).rejects.toMatchObject({
      code: 'SPINE_INVALID',
      message: expect.stringContaining(reason),
    });
  });
});

describe('a spine', () => {
  const spine = (columns: Record<string, string>, row: (string | bigint | number | null)[] = []) =>
    world.writeSpine({ ...columns, at: 'TIMESTAMP' }, [[...row, timeOf('2026-03-29T03:00:00Z')]]);

  test('keeps the zone that its times have, or have not, and gives none to those of features', async () => {
    const time = timeOf('2026-03-29T03:00:00Z');
    const rows = await spine(
      { airport: 'VARCHAR', zoned: 'TIMESTAMPTZ', naive: 'TIMESTAMP', many: 'TIMESTAMPTZ[]' },
      ['007', time, time, null],
    );
    const seen: FeatureSpec = { name: 'seen', type: 'timestamp', description: '' };
    const { path } = await joined(rows, [
      weather('string', [], { features: [{ feature: seen, output: 'seen' }] }),
    ]);
    const zones = await world.run(
      `SELECT name, logical_type LIKE '%isAdjustedToUTC=1%' FROM parquet_schema('${path}') WHERE logical_type LIKE 'TimestampType%'`,
    );
    expect(zones).toEqual([
      ['zoned', true],
      ['naive', false],
      ['element', true],
      ['at', false],
      ['seen', false],
    ]);
  });

  test('keeps its columns in their order and types, whatever they are called', async () => {
    const odd = await spine(
      {
        rowid: 'SMALLINT',
        __event_time: 'VARCHAR',
        'a "b"': 'DECIMAL(9,2)',
        c0: 'TINYINT',
        airport: 'VARCHAR',
      },
      [7, 'x', 1.5, 3, '007'],
    );
    const { path, rows } = await joined(odd, [weather('string', [await readings()])]);
    expect(Object.entries(rows[0] ?? {}).map(([name]) => name)).toEqual([
      'rowid',
      '__event_time',
      'a "b"',
      'c0',
      'airport',
      'at',
      'temp',
    ]);
    expect(rows[0]).toMatchObject({ rowid: 7, __event_time: 'x', c0: 3, temp: 2 });
    const types = await world.run(`SELECT column_type FROM (DESCRIBE SELECT * FROM read_parquet('${path}'))`);
    expect(types.flat()).toEqual([
      'SMALLINT',
      'VARCHAR',
      'DECIMAL(9,2)',
      'TINYINT',
      'VARCHAR',
      'TIMESTAMP',
      'DOUBLE',
    ]);
  });

  test('takes integers of any width for an int64 key', async () => {
    const slice = await readings('int64', 7n);
    for (const type of ['TINYINT', 'INTEGER', 'UBIGINT']) {
      const { rows } = await joined(await spine({ airport: type }, [7]), [weather('int64', [slice])]);
      expect(rows[0]?.temp).toBe(2);
    }
  });

  test.each([
    ['VARCHAR', 'int64'],
    ['DOUBLE', 'int64'],
    ['BIGINT', 'string'],
    ['TIMESTAMP', 'date'],
  ] as const)('with a %s column for a key of %s is refused', async (found, wanted) => {
    await expect(
      joined(await spine({ airport: found }, [null]), [weather(wanted, [])]),
    ).rejects.toMatchObject({
      code: 'SPINE_INVALID',
      message: expect.stringContaining(`its column "airport" is ${found}, and join key "airport"`),
    });
  });

  test('without a key or time column is refused with the name that was meant', async () => {
    await expect(
      joined(await spine({ airprt: 'VARCHAR' }, ['x']), [weather('string', [])]),
    ).rejects.toMatchObject({
      code: 'SPINE_INVALID',
      message: expect.stringContaining('Did you mean "airprt"?'),
    });
    const untimed = { ...(await spine({ airport: 'VARCHAR' }, ['x'])), timestampField: 'airport' };
    await expect(joined(untimed, [])).rejects.toMatchObject({
      code: 'SPINE_INVALID',
      message: expect.stringContaining('is VARCHAR, and must be a TIMESTAMP'),
    });
  });

  test('with a column named like a feature, in any case, is refused with both', async () => {
    await expect(
      joined(await spine({ airport: 'VARCHAR', Temp: 'DOUBLE' }, ['x', 1]), [weather('string', [])]),
    ).rejects.toMatchObject({
      code: 'SPINE_INVALID',
      message: expect.stringContaining('its column "Temp" and feature "temp" of weather@v1'),
    });
  });

  test('that is missing or not Parquet is refused', async () => {
    const gone: Spine = { kind: 'parquet', path: join(world.folder, 'gone.parquet'), timestampField: 'at' };
    await expect(joined(gone, [])).rejects.toMatchObject({
      code: 'SPINE_INVALID',
      message: expect.stringContaining('gone.parquet'),
    });
    const text = join(world.folder, 'text.parquet');
    await writeFile(text, 'at\n2026-01-01\n');
    await expect(
      world.engine.describeSpine({ kind: 'parquet', path: text, timestampField: 'at' }),
    ).rejects.toMatchObject({ code: 'SPINE_INVALID' });
  });

  test('may have a column that is called as DuckDB calls the number of a row', async () => {
    const numbered = await spine({ file_row_number: 'BIGINT', airport: 'VARCHAR' }, [9n, '007']);
    const { rows } = await joined(numbered, [weather('string', [await readings()])]);
    expect(rows).toEqual([expect.objectContaining({ file_row_number: 9n, temp: 2 })]);
  });

  test('without rows gives a file without rows', async () => {
    const empty = await world.writeSpine({ airport: 'VARCHAR', at: 'TIMESTAMP' }, []);
    const { result, rows } = await joined(empty, [weather('string', [await readings()])]);
    expect(result).toMatchObject({ rows: 0, nulls: { temp: 0 } });
    expect(rows).toEqual([]);
  });

  test('gets nulls from a view that has no files, and from one whose rows are all too late', async () => {
    const one = await spine({ airport: 'VARCHAR' }, ['007']);
    const late = weather('string', [await readings()], {
      dataDelay: durationOf('3d'),
      features: [{ feature, output: 'late' }],
    });
    const { result, rows } = await joined(one, [weather('string', []), late]);
    expect(rows[0]).toMatchObject({ temp: null, late: null });
    expect(result.nulls).toEqual({ temp: 1, late: 1 });
  });

  test('gets features that are named like what numbers the rows of files', async () => {
    const features = ['file_row_number', 'File_Index', 'temp'].map(
      (name): FeatureSpec => ({ ...feature, name }),
    );
    const time = timeOf('2026-03-29T01:00:00Z');
    const rows = [5, 6, 7].map((value, hour) => ({
      key: ['007'],
      eventTime: micros(time + BigInt(hour)),
      createdTime: time,
      intervalEnd: time,
      values: [value, value + 10, value + 20],
    }));
    const joinKeys = [{ name: 'airport', type: 'string' as const }];
    const path = await world.writeFeatures({ joinKeys, features }, rows);
    const view = weather('string', [{ path, revision: 0 }], {
      features: features.map((one, at) => ({ feature: one, output: `f${at}` })),
    });
    const { rows: found } = await joined(await spine({ airport: 'VARCHAR' }, ['007']), [view]);
    expect(found[0]).toMatchObject({ f0: 7, f1: 17, f2: 27 });
  });

  test.each([1, 2])(
    'gets the row that was written later of two with one event time, whatever the bounds of the files say (%i views)',
    async (count) => {
      // Least and greatest times are ten minutes apart each; the rows in between are not.
      const rows = [
        ['00:00', '00:10', 1],
        ['00:30', '00:45', 3],
        ['00:30', '00:35', 2],
        ['01:00', '01:10', 4],
      ].map(([event, created, value]) => ({
        key: ['007'],
        eventTime: timeOf(`2026-03-29T${event}:00Z`),
        createdTime: timeOf(`2026-03-29T${created}:00Z`),
        intervalEnd: timeOf('2026-03-29T03:00:00Z'),
        values: [value ?? null],
      }));
      const joinKeys = [{ name: 'airport', type: 'string' as const }];
      const path = await world.writeFeatures({ joinKeys, features: [feature] }, rows);
      const spine = await csv('airport,at\n007,2026-03-29T00:59:00Z\n007,2026-03-29T02:00:00Z\n');
      const view = weather('string', [{ path, revision: 0 }]);
      const views = [view, { ...view, features: [{ feature, output: 'second' }] }].slice(0, count);
      const found = await joined(spine, views);
      expect(found.rows.map(({ temp }) => temp)).toEqual([3, 4]);
      if (count === 2) expect(found.rows.map(({ second }) => second)).toEqual([3, 4]);
    },
  );

  test('joins one view twice under two names (rule 8)', async () => {
    const both = await spine({ origin: 'VARCHAR', dest: 'VARCHAR' }, ['none', '007']);
    const slice = await readings();
    const as = (column: string) =>
      weather('string', [slice], {
        spineColumns: [column],
        features: [{ feature, output: `${column}_temp` }],
      });
    const { rows } = await joined(both, [as('origin'), as('dest')]);
    expect(rows[0]).toMatchObject({ origin_temp: null, dest_temp: 2 });
  });
});

describe('the result', () => {
  /** Enough rows for several threads and row groups. */
  async function large(): Promise<{ spine: Spine; view: AsOfView }> {
    const path = join(world.folder, 'large.parquet');
    await world.run(
      `COPY (SELECT (hash(i) % 1000)::VARCHAR AS airport, i AS label, TIMESTAMP '2026-03-01' + to_minutes((hash(i, 1) % 40000)::BIGINT) AS at FROM range(300000) t(i)) TO '${path}' (FORMAT parquet, ROW_GROUP_SIZE 20000)`,
    );
    await world.run(
      `COPY (SELECT (hash(i) % 1000)::VARCHAR AS airport, TIMESTAMP '2026-03-01' + to_minutes((hash(i, 2) % 40000)::BIGINT) AS __event_time, __event_time + to_microseconds(i) AS __created_time, __event_time AS __interval_end, i::DOUBLE AS temp FROM range(300000) t(i)) TO '${join(world.folder, 'offline', 'large.parquet')}' (FORMAT parquet)`,
    );
    return {
      spine: { kind: 'parquet', path, timestampField: 'at' },
      view: weather('string', [{ path: 'large.parquet', revision: 0 }], { ttl: durationOf('1d') }),
    };
  }

  test('keeps the order of a spine of several row groups, and has the same bytes every time', async () => {
    const { spine, view } = await large();
    const join = async () => {
      const path = world.outputPath();
      return {
        path,
        result: await world.engine.join({ spine, views: [view], knownAt: { kind: 'any' }, path }),
      };
    };
    const first = await join();
    const second = await join();
    expect(second.result).toEqual(first.result);
    const [counts] = await world.run(
      `SELECT count(*), count(*) FILTER (label = n), count(*) FILTER (temp IS NULL) FROM (SELECT *, row_number() OVER () - 1 AS n FROM read_parquet('${first.path}'))`,
    );
    expect(counts?.map(Number)).toEqual([300_000, 300_000, first.result.nulls.temp]);
    const bytes = await readFile(first.path);
    expect(first.result.digest).toBe(createHash('sha256').update(bytes).digest('hex'));
    expect(first.result.bytes).toBe(bytes.length);
  });

  test('has the same bytes for any number of threads and any memory', async () => {
    const { spine, view } = await large();
    const text = { ...feature, name: 'airport', type: 'string' as const };
    const features = [feature, text, text, text, text].map((one, at) => ({ feature: one, output: `f${at}` }));
    const views = [
      { ...view, features },
      { ...view, features: [{ feature, output: 'second' }] },
    ];
    const digests = { one: new Set<string>(), both: new Set<string>() };
    for (const [memory, threads] of [
      ['100MB', 1],
      ['100MB', 3],
      ['1GB', 1],
      ['1GB', 2],
    ] as const) {
      const db = await createDuckDb({ memory, threads, tempDir: join(world.folder, 'spill') });
      const roots = { offlineRoot: join(world.folder, 'offline'), baseDir: world.folder };
      // One view is written while it is joined, or, where that is large, from parts laid beside the spine. Of two tables
      // beside the spine little memory has them written as they are, more memory as one table.
      for (const rowsPerPart of [undefined, 200_000]) {
        const engine = createDuckDbAsOfEngine(
          db,
          rowsPerPart === undefined ? roots : { ...roots, rowsPerPart },
        );
        for (const [name, joined] of [
          ['one', views.slice(0, 1)],
          ['both', views],
        ] as const) {
          const path = world.outputPath();
          const request = { spine, views: joined, knownAt: { kind: 'any' }, path } as const;
          const { digest } = await engine.join({ ...request, workFolder: `${path}.parts` });
          digests[name].add(digest);
        }
      }
      await db.close();
    }
    expect([digests.one.size, digests.both.size]).toEqual([1, 1]);
  }, 120_000);

  test.each([1, 2])('of %i view(s) is told in rows while it is made, up to all of them', async (count) => {
    const { spine, view } = await large();
    const views = several(view, count);
    const told: JoinProgress[] = [];
    const onProgress = (progress: JoinProgress) => told.push(progress);
    await world.engine.join({ spine, views, knownAt: { kind: 'any' }, path: world.outputPath(), onProgress });
    const shares = told.map(({ share }) => share);
    expect(shares).toEqual(shares.toSorted((a, b) => a - b));
    expect(told.at(-1)).toEqual({ phase: 'done', share: 1, rows: { done: 300_000, total: 300_000 } });
    const joining = told.filter(({ phase }) => phase.startsWith('joining'));
    const most = Math.max(...joining.map(({ rows }) => rows?.done ?? 0));
    expect([joining[0]?.rows?.done, most]).toEqual([0, 300_000]);
  });

  test('of a large join that ended early is finished without doing again what was done, with the same bytes', async () => {
    const { spine, view } = await large();
    const workFolder = join(world.folder, 'work');
    const views = ['first', 'second'].map((output) => ({ ...view, features: [{ feature, output }] }));
    const inParts = createDuckDbAsOfEngine(world.db, {
      offlineRoot: join(world.folder, 'offline'),
      baseDir: world.folder,
      rowsPerPart: 200_000,
    });
    const run = (to: { abort?: AbortController; workFolder?: string } = {}) => {
      const rows: unknown[] = [];
      const path = world.outputPath();
      const result = (to.workFolder === undefined ? world.engine : inParts).join({
        spine,
        views,
        knownAt: { kind: 'any' },
        path,
        ...(to.workFolder !== undefined && { workFolder: to.workFolder }),
        ...(to.abort !== undefined && { signal: to.abort.signal }),
        onProgress: (progress) => {
          if (!progress.phase.startsWith('joining')) return;
          rows.push(progress.rows?.done);
          if (rows.length === 3) to.abort?.abort();
        },
      });
      return result.then((found) => ({ found, rows, path }));
    };
    const whole = await run();
    // Between them are DuckDB's own estimates, if it takes long enough.
    expect(whole.rows.filter((done) => done === 0 || done === 300_000)).toEqual([0, 300_000, 0, 300_000]);

    await expect(run({ abort: new AbortController(), workFolder })).rejects.toMatchObject({
      code: 'CANCELLED',
    });
    const kept = await readdir(workFolder);
    expect(kept).toEqual([1, 2].map(() => expect.stringMatching(/^[0-9a-f]{64}\.parquet$/)));

    // Rows that no join gives are in the result, so they were taken from what was kept.
    const marked = join(world.folder, 'marked');
    await cp(workFolder, marked, { recursive: true });
    for (const part of kept) {
      const from = `read_parquet('${join(workFolder, part)}')`;
      await world.run(`COPY (SELECT * REPLACE (-1.0::DOUBLE AS f0) FROM ${from}) TO '${join(marked, part)}'`);
    }
    const { path } = await run({ workFolder: marked });
    const [[rows] = []] = await world.run(`SELECT count(*) FROM read_parquet('${path}') WHERE first = -1`);
    const [[inKept] = []] = await world.run(
      `SELECT count(*) FROM read_parquet('${join(workFolder, '*.parquet')}')`,
    );
    expect(rows).toEqual(inKept);
    expect(Number(rows)).toBeGreaterThan(150_000);

    const again = await run({ workFolder });
    expect(again.found).toEqual(whole.found);
    expect(again.rows).toEqual([0, 100_000, 200_000, 300_000, 0, 100_000, 200_000, 300_000]);
    await expect(readdir(workFolder)).rejects.toThrow('ENOENT');
  });

  /** One view is written as it is joined; of several each is a file, until all are side by side. */
  const several = (view: AsOfView, count: number) =>
    [view, { ...view, features: [{ feature, output: 'second' }] }].slice(0, count);

  test.each([1, 2])('of %i view(s) is not there when the spine changes while it is read', async (count) => {
    const { spine, view } = await large();
    const path = join(world.folder, `changed-${count}`, 'data.parquet');
    const file = join(world.folder, 'large.parquet');
    await expect(
      world.engine.join({
        spine,
        views: several(view, count),
        knownAt: { kind: 'any' },
        path,
        onProgress: ({ phase }) => {
          // The same rows, written again in the moment in which they are to be read for the join.
          if (phase.startsWith('joining')) writeFileSync(file, readFileSync(file));
        },
      }),
    ).rejects.toMatchObject({
      code: 'SPINE_INVALID',
      message: expect.stringContaining('it changed while it was in use; try again'),
    });
    expect(await readdir(join(world.folder, `changed-${count}`))).toEqual([]);
  });

  test.each([1, 2])('of %i view(s) is not there when the join is cancelled or fails', async (count) => {
    const { spine, view } = await large();
    const folder = join(world.folder, `cancelled-${count}`);
    const path = join(folder, 'data.parquet');
    // Either may come before anything is written, the folder included.
    const left = async () => (existsSync(folder) ? await readdir(folder) : []);
    const abort = new AbortController();
    const phases: string[] = [];
    const request = { spine, knownAt: { kind: 'any' }, path } as const;
    await expect(
      world.engine.join({
        ...request,
        views: several(view, count),
        signal: abort.signal,
        onProgress: ({ phase }) => {
          if (phases.at(-1) !== phase) phases.push(phase);
          if (phase.startsWith('joining')) abort.abort();
        },
      }),
    ).rejects.toMatchObject({ code: 'CANCELLED' });
    expect(phases).toEqual([
      'reading the spine',
      count === 1 ? 'joining weather@v1 and writing' : 'joining weather@v1',
    ]);
    expect(await left()).toEqual([]);

    const gone = weather('string', [{ path: 'gone.parquet', revision: 0 }]);
    await expect(world.engine.join({ ...request, views: several(gone, count) })).rejects.toMatchObject({
      code: 'STORE_CORRUPT',
      message: expect.stringContaining('gone.parquet'),
    });
    expect(await left()).toEqual([]);
  });
});
