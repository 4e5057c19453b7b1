import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Interval } from '../../src/core/interval.ts';
import type { FileFormat } from '../../src/core/source.ts';
import { timeOf } from '../../src/core/time.ts';
import { createDuckDbAsOfEngine } from '../../src/offline/duckdb/as-of/duckdb-as-of-engine.ts';
import { createDuckDbFeatureComputer } from '../../src/offline/duckdb/compute/duckdb-feature-computer.ts';
import { createDuckDb, type DuckDbEngine } from '../../src/offline/duckdb/engine.ts';
import { createDuckDbSourceReader } from '../../src/offline/duckdb/sources/duckdb-source-reader.ts';
import { aggregations, batchView, fileSource, simple, storedRows } from '../support/offline-case.ts';

let folder: string;
let engine: DuckDbEngine;
beforeAll(async () => {
  // A folder above the repository that looks like a partition is none.
  folder = await mkdtemp(join(tmpdir(), 'tidemark-above=1-'));
  engine = await createDuckDb({ memory: '200MB', threads: 1, tempDir: join(folder, 'spill') });
});
afterAll(async () => {
  await engine.close();
  await rm(folder, { recursive: true, force: true });
});

const reader = () => createDuckDbSourceReader(engine, { baseDir: folder });
const computer = () => createDuckDbFeatureComputer(engine, { baseDir: folder, offlineRoot: folder });

async function write(path: string, text: string): Promise<void> {
  await mkdir(dirname(join(folder, path)), { recursive: true });
  await writeFile(join(folder, path), text);
}

const hours = (from: string, to: string): Interval => ({ start: timeOf(from), end: timeOf(to) });

describe('a source of JSON lines', () => {
  const lines = (path: string, ...rows: readonly object[]) =>
    write(path, `${rows.map((row) => JSON.stringify(row)).join('\n')}\n`);

  test('has declared types, text as it stands, and times of every offset in UTC', async () => {
    await lines(
      'zoned.jsonl',
      { at: '2026-01-01T02:00:00.000001+02:00', user_id: 1, code: '2026-01-01T00:00:00Z', tags: ['a', null] },
      { at: '2026-01-01T00:30:00', user_id: 2, code: '007', tags: [] },
      { at: '2026-01-01T00:45:00Z', user_id: 9007199254740993n.toString(), code: null },
    );
    const source = fileSource({
      kind: 'json',
      path: 'zoned.jsonl',
      columns: [
        { name: 'code', type: 'string' },
        { name: 'user_id', type: 'int64' },
      ],
    });
    expect((await reader().describe(source)).columns.map(({ name, type }) => [name, type])).toEqual([
      ['at', 'timestamp'],
      ['user_id', 'int64'],
      ['code', 'string'],
      ['tags', 'array<string>'],
    ]);
    const view = batchView(source, { kind: 'passthrough' }, [
      ['code', 'string'],
      ['tags', 'array<string>'],
    ]);
    await computer().compute({
      view,
      range: hours('2026-01-01T00:00:00Z', '2026-01-01T01:00:00Z'),
      path: 'zoned.parquet',
    });
    const rows = await storedRows(engine, view, folder, 'zoned.parquet');
    expect(rows.map(({ key, eventTime, values }) => [...key, eventTime, ...values])).toEqual([
      [1n, timeOf('2026-01-01T00:00:00.000001Z'), '2026-01-01T00:00:00Z', ['a', null]],
      [2n, timeOf('2026-01-01T00:30:00Z'), '007', []],
      [9007199254740993n, timeOf('2026-01-01T00:45:00Z'), null, null],
    ]);
  });

  test('finds a declared column that only a late line has', async () => {
    const many = Array.from({ length: 30_000 }, () => ({ at: '2026-01-01T00:00:00Z' }));
    await lines('rare.jsonl', ...many, { at: '2026-01-01T00:00:00Z', rare: 'x' });
    const source = fileSource({
      kind: 'json',
      path: 'rare.jsonl',
      columns: [{ name: 'rare', type: 'string' }],
    });
    expect((await reader().describe(source)).columns.map(({ name }) => name)).toEqual(['at', 'rare']);
  });

  test('says what is wrong before work starts: a column, a type, a line', async () => {
    await lines('small.jsonl', { at: '2026-01-01T00:00:00Z', user_id: 'seven' });
    await write('broken.jsonl', '{"at": "2026-01-01T00:00:00Z"}\nnot JSON\n');
    const described = (path: string, ...columns: { name: string; type: 'int64' | 'string' }[]) =>
      reader().describe(fileSource({ kind: 'json', path, columns }));
    await expect(described('small.jsonl', { name: 'nope', type: 'string' })).rejects.toMatchObject({
      code: 'SOURCE_SCHEMA_MISMATCH',
      message: expect.stringContaining('lacks the declared column "nope"; it has at, user_id'),
    });
    await expect(described('small.jsonl', { name: 'user_id', type: 'int64' })).rejects.toMatchObject({
      code: 'SOURCE_SCHEMA_MISMATCH',
      message: expect.stringMatching(/a value does not have its declared type .*seven/),
    });
    await expect(described('broken.jsonl')).rejects.toMatchObject({
      code: 'SOURCE_UNREADABLE',
      message: expect.stringContaining('check that the files are JSON lines'),
    });
  });

  test('is a spine too', async () => {
    await lines(
      'labels.jsonl',
      { user_id: 1, at: '2026-01-01T02:00:00+02:00', label: true },
      { user_id: 2, at: '2026-01-01T01:00:00.000001Z', label: null },
    );
    const engineUnderTest = createDuckDbAsOfEngine(engine, { baseDir: folder, offlineRoot: folder });
    expect(
      await engineUnderTest.describeSpine({
        kind: 'json',
        path: join(folder, 'labels.jsonl'),
        timestampField: 'at',
      }),
    ).toMatchObject({
      rows: 2,
      span: { first: timeOf('2026-01-01T00:00:00Z'), last: timeOf('2026-01-01T01:00:00.000001Z') },
      columns: expect.arrayContaining([{ name: 'label', type: 'bool' }]),
    });
  });
});

test('a CSV source keeps the offset of a declared time', async () => {
  await write('offset.csv', 'at,user_id\n2026-01-01T02:00:00+02:00,1\n2026-01-01T00:30:00,2\n');
  const source = fileSource({
    kind: 'csv',
    path: 'offset.csv',
    columns: [{ name: 'at', type: 'timestamp' }],
  });
  expect(await reader().extent(source)).toMatchObject({
    first: timeOf('2026-01-01T00:00:00Z'),
    last: timeOf('2026-01-01T00:30:00Z'),
  });
});

describe.each(['parquet', 'csv', 'json'] as const)('%s files partitioned by date', (kind: FileFormat) => {
  const days = ['01', '02', '03', '04', '05', '06'];
  const file = (day: string) => `${kind}/date=2026-01-${day}/region=007/part.${kind}`;
  const source = fileSource({
    kind,
    path: `${kind}/**/*.${kind}`,
    partitionedBy: { column: 'date', granularity: 'day' },
    columns: [{ name: 'region', type: 'string' }],
  });

  beforeAll(async () => {
    for (const day of days) {
      await mkdir(dirname(join(folder, file(day))), { recursive: true });
      const extra = day === '06' ? `, 'new' AS added` : '';
      await engine.withConnection((connection) =>
        connection.run(
          `COPY (SELECT TIMESTAMP '2026-01-${day} 12:00:00' AS "at", 7 AS user_id, 1.0::DOUBLE AS amount ${extra}) ` +
            `TO '${join(folder, file(day))}' (FORMAT ${kind}${kind === 'csv' ? ', HEADER' : ''})`,
        ),
      );
    }
  });

  test('have their folders as columns, of the declared type or DATE', async () => {
    const types = Object.fromEntries(
      (await reader().describe(source)).columns.map(({ name, type }) => [name, type]),
    );
    expect(types).toMatchObject({ date: 'date', region: 'string', added: 'string' });
    expect(types).not.toHaveProperty('tidemark-above');
  });

  test('are not read outside of the range that is asked for', async () => {
    const range = hours('2026-01-03T13:00:00Z', '2026-01-04T13:00:00Z');
    const view = batchView(source, aggregations({ n: simple('count', null, '12h') }), [['n', 'int64']]);
    const before = await computer().inputDigest(view, range);
    // Only the first and the last file are opened, for their columns: these could not be read at all.
    for (const day of ['02', '05']) await write(file(day), 'at,user_id\nspoiled,x\n');
    expect(await computer().inputDigest(view, range)).toBe(before);
    await computer().compute({ view, range, path: `${kind}.parquet` });
    const rows = await storedRows(engine, view, folder, `${kind}.parquet`);
    expect(rows.at(-1)?.values).toEqual([1n]);
    expect(await reader().extent(source, range)).toMatchObject({
      rows: 1,
      last: timeOf('2026-01-04T12:00:00Z'),
    });
    const none = hours('2027-01-01T00:00:00Z', '2027-01-02T00:00:00Z');
    expect(await reader().extent(source, none)).toEqual({ rows: 0, bytes: 0 });
    // The control: a range that touches a spoiled file cannot be read.
    const spoiled = hours('2026-01-02T00:00:00Z', '2026-01-03T00:00:00Z');
    await expect(reader().extent(source, spoiled)).rejects.toMatchObject({
      code: expect.stringMatching(/^SOURCE_/),
    });
  });
});

test('a declared time in CSV that is none is an error, beside text and beside numbers alone', async () => {
  for (const [path, note] of [
    ['text.csv', 'x'],
    ['numbers.csv', '1.5'],
  ] as const) {
    await write(path, `at,user_id,note\n2026-01-01T00:00:00Z,1,${note}\nsoon,2,${note}\n`);
    const source = fileSource({ kind: 'csv', path, columns: [{ name: 'at', type: 'timestamp' }] });
    await expect(reader().extent(source)).rejects.toMatchObject({
      code: 'SOURCE_SCHEMA_MISMATCH',
      message: expect.stringMatching(/column "at" of .*csv has "soon", which is no timestamp/),
    });
  }
});

describe('times that nobody declared', () => {
  const LATE = '2026-01-02T02:00:00.000001+02:00';
  /** More lines than DuckDB looks at to tell types, and one that they do not foretell. */
  const lines = (first: string, last: string, note: string) =>
    `at,user_id,note\n${`${first},1,${note}\n`.repeat(25_000)}${last},2,${note}\n`;

  test.each([
    ['beside text', 'x'],
    ['beside numbers alone', '1.5'],
  ])('in CSV keep the offset that only a late line has, %s', async (_, note) => {
    await write('late.csv', lines('2026-01-01T00:30:00', LATE, note));
    const source = fileSource({ kind: 'csv', path: 'late.csv' });
    expect((await reader().describe(source)).columns[0]).toMatchObject({
      name: 'at',
      engineType: 'TIMESTAMP',
    });
    expect(await reader().extent(source)).toMatchObject({
      first: timeOf('2026-01-01T00:30:00Z'),
      last: timeOf('2026-01-02T00:00:00.000001Z'),
    });
    const spine = { kind: 'csv', path: join(folder, 'late.csv'), timestampField: 'at' } as const;
    const engineUnderTest = createDuckDbAsOfEngine(engine, { baseDir: folder, offlineRoot: folder });
    expect((await engineUnderTest.describeSpine(spine)).span?.last).toBe(
      timeOf('2026-01-02T00:00:00.000001Z'),
    );
  });

  test('in CSV may be written as elsewhere', async () => {
    await write('days.csv', 'at,user_id\n31/01/2026 10:00:00,1\n01/02/2026 11:00:00,2\n');
    expect(await reader().extent(fileSource({ kind: 'csv', path: 'days.csv' }))).toMatchObject({
      first: timeOf('2026-01-31T10:00:00Z'),
      last: timeOf('2026-02-01T11:00:00Z'),
    });
  });

  test.each([
    ['beside text', 'x'],
    ['beside numbers alone', '1.5'],
  ])('in CSV are no dates when a late line has a time of day, %s, which is told', async (_, note) => {
    const source = fileSource({ kind: 'csv', path: 'dates.csv' });
    await write('dates.csv', lines('2026-01-01', '2026-01-02 00:00:00', note));
    expect(await reader().extent(source)).toMatchObject({ last: timeOf('2026-01-02T00:00:00Z') });
    await write('dates.csv', lines('2026-01-01', '2026-01-02T10:00:00', note));
    await expect(reader().extent(source)).rejects.toMatchObject({
      code: 'SOURCE_SCHEMA_MISMATCH',
      message: expect.stringMatching(/column "at" of .*csv has "2026-01-02T10:00:00", which is no date/),
    });
  });

  test('in JSON lines keep the offset that only a late line has, whatever they tell', async () => {
    const line = (seen: string) => `${JSON.stringify({ at: '2026-01-01T00:30:00', user_id: 1, seen })}\n`;
    await write('late.jsonl', `${line('2026-01-01T00:30:00').repeat(25_000)}${line(LATE)}`);
    const view = batchView(
      fileSource({ kind: 'json', path: 'late.jsonl' }),
      aggregations({ seen: simple('max', 'seen', '1h') }),
      [['seen', 'timestamp']],
    );
    const range = hours('2026-01-01T00:00:00Z', '2026-01-01T02:00:00Z');
    await computer().compute({ view, range, path: 'late.parquet' });
    const [row] = await storedRows(engine, view, folder, 'late.parquet');
    expect(row?.values).toEqual([timeOf('2026-01-02T00:00:00.000001Z')]);
  });
});

test('a CSV header that names a column twice is told, of sources and of entity rows, and a_1 beside a is a name', async () => {
  const engineUnderTest = createDuckDbAsOfEngine(engine, { baseDir: folder, offlineRoot: folder });
  const spine = (path: string) =>
    engineUnderTest.describeSpine({ kind: 'csv', path: join(folder, path), timestampField: 'at' });
  for (const [path, delimiter] of [
    ['twice.csv', ','],
    ['semicolons.csv', ';'],
  ] as const) {
    await write(path, 'at,user_id,a,a,A\n2026-01-01 00:00:00,1,1,2,3\n'.replaceAll(',', delimiter));
    await expect(reader().describe(fileSource({ kind: 'csv', path }))).rejects.toMatchObject({
      code: 'SOURCE_SCHEMA_MISMATCH',
      message: expect.stringContaining('names columns more than once (a, a, A;'),
    });
    await expect(spine(path)).rejects.toMatchObject({
      code: 'SPINE_INVALID',
      message: expect.stringContaining('names columns more than once (a, a, A;'),
    });
  }
  await write('once.csv', 'at,user_id,a,a_1,A_2\n2026-01-01 00:00:00,1,1,2,3\n');
  for (const { columns } of [
    await reader().describe(fileSource({ kind: 'csv', path: 'once.csv' })),
    await spine('once.csv'),
  ])
    expect(columns.slice(0, 5).map(({ name }) => name)).toEqual(['at', 'user_id', 'a', 'a_1', 'A_2']);
});

test.each(['csv', 'parquet', 'json'] as const)(
  'a %s file of entity rows that is not there is told as that',
  async (kind) => {
    const engineUnderTest = createDuckDbAsOfEngine(engine, { baseDir: folder, offlineRoot: folder });
    const path = join(folder, `none.${kind}`);
    await expect(engineUnderTest.describeSpine({ kind, path, timestampField: 'at' })).rejects.toMatchObject({
      code: 'SPINE_INVALID',
      message: `Cannot use the spine ${path}: there is no such file.`,
    });
  },
);

test('folders are columns without being asked for, unless they are declined', async () => {
  await write('auto/region=eu/a.csv', 'at,user_id\n2026-01-01 00:00:00,1\n');
  const names = async (hivePartitioning?: boolean) =>
    (
      await reader().describe(
        fileSource({
          kind: 'csv',
          path: 'auto/*/*.csv',
          ...(hivePartitioning === undefined ? {} : { hivePartitioning }),
        }),
      )
    ).columns.map(({ name }) => name);
  expect(await names()).toEqual(['at', 'user_id', 'region']);
  expect(await names(true)).toEqual(['at', 'user_id', 'region']);
  expect(await names(false)).toEqual(['at', 'user_id']);
});

test.each([
  [
    'fewer',
    'at,user_id,a\n2026-01-01,1,2\n2026-01-01,1\n2026-01-01,1,2\n',
    'Expected Number of Columns: 3 Found: 2',
    3,
  ],
  ['more', '"at";user_id\n2026-01-01;1;2\n2026-01-02;1;2\n', 'Expected Number of Columns: 2 Found: 3', 2],
])(
  'a line of CSV with %s values than the header is told, of sources and of entity rows',
  async (name, text, what, line) => {
    const path = `${name}.csv`;
    await write(path, text);
    const told = `${what} (line ${line} of ${join(folder, path)}).`;
    for (const columns of [[], [{ name: 'user_id', type: 'int64' as const }]]) {
      await expect(reader().describe(fileSource({ kind: 'csv', path, columns }))).rejects.toMatchObject({
        code: 'SOURCE_SCHEMA_MISMATCH',
        message: `Cannot read source "events" at ${path}: ${told} Correct the file.`,
      });
    }
    const asOf = createDuckDbAsOfEngine(engine, { baseDir: folder, offlineRoot: folder });
    const spine = { kind: 'csv', path: join(folder, path), timestampField: 'at' } as const;
    await expect(asOf.describeSpine(spine)).rejects.toMatchObject({
      code: 'SPINE_INVALID',
      message: `Cannot use the spine ${spine.path}: ${told}`,
    });
    // A column that is not there is told as that.
    await expect(asOf.describeSpine({ ...spine, timestampField: 'when' })).rejects.toThrow(
      'no column "when"',
    );
  },
);
