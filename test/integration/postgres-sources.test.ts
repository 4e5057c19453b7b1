import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pg from 'pg';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { readConfig } from '../../src/config.ts';
import type { PostgresSourceSpec } from '../../src/core/source.ts';
import { timeOf } from '../../src/core/time.ts';
import type { Value, ValueType } from '../../src/core/value-type.ts';
import { createDuckDbAsOfEngine } from '../../src/offline/duckdb/as-of/duckdb-as-of-engine.ts';
import { createDuckDbFeatureComputer } from '../../src/offline/duckdb/compute/duckdb-feature-computer.ts';
import { createDuckDb, type DuckDbEngine } from '../../src/offline/duckdb/engine.ts';
import { createDuckDbFeatureReader } from '../../src/offline/duckdb/newest/duckdb-feature-reader.ts';
import { createDuckDbSourceReader } from '../../src/offline/duckdb/sources/duckdb-source-reader.ts';
import { createRemoteAccess } from '../../src/offline/duckdb/sources/remote-access.ts';
import { fetchDuckDbExtension } from '../../src/stack/duckdb-extension.ts';
import { scheduledRequest } from '../../src/training/scheduled-request.ts';
import { aggregations, batchView, simple, storedRows } from '../support/offline-case.ts';
import { testDatabase } from '../support/services.ts';
import { trainingSetSpec } from '../support/specs.ts';

const { cache } = readConfig({ TIDEMARK_CACHE: process.env.TIDEMARK_CACHE });
let url: string;
let client: pg.Client;

/** Column, its Postgres type, its value in SQL, and what comes of it. */
const TYPES: readonly (readonly [string, string, string, ValueType, Value])[] = [
  ['b', 'boolean', 'true', 'bool', true],
  ['i2', 'smallint', '-32768', 'int32', -32768],
  ['i4', 'integer', '2147483647', 'int32', 2147483647],
  ['i8', 'bigint', '9007199254740993', 'int64', 9007199254740993n],
  ['f4', 'real', '0.1', 'float32', Math.fround(0.1)],
  ['f8', 'double precision', '0.1', 'float64', 0.1],
  ['whole', 'numeric(18,0)', '999999999999999999', 'int64', 999999999999999999n],
  ['price', 'numeric(38,10)', '1234567890.0123456789', 'float64', 1234567890.0123458],
  ['any_numeric', 'numeric', '0.30000000000000004', 'float64', 0.30000000000000004],
  ['name', 'text', `E'a "quoted",\\nline\\r\\n\\\\N é'`, 'string', 'a "quoted",\nline\r\n\\N é'],
  ['nothing', 'varchar(5)', `''`, 'string', ''],
  ['id', 'uuid', `'6b3f2c1e-0000-4000-8000-000000000001'`, 'string', '6b3f2c1e-0000-4000-8000-000000000001'],
  ['mood', 'mood', `'happy'`, 'string', 'happy'],
  ['raw', 'bytea', `'\\x00ff2c22'`, 'bytes', Uint8Array.from([0, 255, 44, 34])],
  ['naive', 'timestamp', `'2026-01-01 00:00:00.000001'`, 'timestamp', timeOf('2026-01-01T00:00:00.000001Z')],
  [
    'zoned',
    'timestamptz',
    `'2026-01-01 02:00:00.999999+02'`,
    'timestamp',
    timeOf('2026-01-01T00:00:00.999999Z'),
  ],
  ['day', 'date', `'2026-02-28'`, 'date', '2026-02-28'],
  ['doc', 'jsonb', `'{"a": [1, null]}'`, 'json', '{"a": [1, null]}'],
  ['ints', 'bigint[]', `'{9007199254740993,NULL}'`, 'array<int64>', [9007199254740993n, null]],
  ['texts', 'text[]', `ARRAY['a,"b"', '', NULL]`, 'array<string>', ['a,"b"', '', null]],
  ['floats', 'double precision[]', `'{0.1,-0.5}'`, 'array<float64>', [0.1, -0.5]],
  ['empty', 'int[]', `'{}'`, 'array<int32>', []],
  [
    'times',
    'timestamptz[]',
    `ARRAY['2026-01-01 02:00:00.000001+02'::timestamptz]`,
    'array<timestamp>',
    [timeOf('2026-01-01T00:00:00.000001Z')],
  ],
];

beforeAll(async () => {
  url = await testDatabase('warehouse');
  client = new pg.Client({ connectionString: url });
  await client.connect();
  await client.query(`CREATE TYPE mood AS ENUM ('happy', 'sad')`);
  await client.query(
    `CREATE TABLE "Typed" (at timestamptz, user_id bigint, ${TYPES.map(([name, type]) => `${name} ${type}`).join(', ')}, span interval)`,
  );
  await client.query(
    `INSERT INTO "Typed" VALUES ('2026-01-01T00:30:00.000001Z', 1, ${TYPES.map(([, , sql]) => sql).join(', ')}, '1 day')`,
  );
  await client.query(`INSERT INTO "Typed" (at, user_id) VALUES ('2026-01-01T00:59:59.999999Z', 2)`);
  await client.query(
    `CREATE TABLE events AS SELECT '2026-01-01'::timestamp + n * interval '1 minute' AS at, n % 3 AS user_id, n AS amount
     FROM generate_series(0, 2999) n`,
  );
  await client.query(`CREATE SCHEMA "My Sch"`);
  for (const name of ['"Ev Tab"', '"events.2026"', '"a ""b"""'])
    await client.query(`CREATE TABLE "My Sch".${name} AS SELECT * FROM events LIMIT 7`);
});
afterAll(() => client?.end());

describe.each(['the extension', 'COPY'] as const)('a Postgres source read through %s', (way) => {
  let folder: string;
  let engine: DuckDbEngine;
  let place: { baseDir: string; offlineRoot: string; remote: ReturnType<typeof createRemoteAccess> };

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'tidemark-postgres-'));
    engine = await createDuckDb({ memory: '200MB', threads: 2, tempDir: join(folder, 'spill') });
    const env: Readonly<Record<string, string>> = {
      WAREHOUSE_URL: url,
      CLOSED_URL: 'postgres://someone:hidden-pass@127.0.0.1:1/none',
      ODD_URL: 'hidden-pass and no address',
    };
    const remote = createRemoteAccess({
      variable: (name) => env[name],
      fetchExtension: async (name, version) =>
        way === 'COPY'
          ? { ok: false, reason: 'not in this test' }
          : fetchDuckDbExtension(name, { version, cache }),
    });
    place = { baseDir: folder, offlineRoot: folder, remote };
    // The test reads the way it says it does.
    const loaded = await engine.withConnection((connection) => remote.load(connection, 'postgres_scanner'));
    expect(loaded.ok).toBe(way === 'the extension');
  }, 120_000);
  afterAll(async () => {
    await engine?.close();
    await rm(folder, { recursive: true, force: true });
  });

  const source = (more: Partial<PostgresSourceSpec>): PostgresSourceSpec => ({
    kind: 'postgres',
    name: 'events',
    urlEnv: 'WAREHOUSE_URL',
    table: 'events',
    query: null,
    timestampField: 'at',
    createdTimestampField: null,
    columns: [],
    description: '',
    owner: '',
    tags: {},
    ...more,
  });
  const typed = source({ table: 'public.Typed' });
  const hour = { start: timeOf('2026-01-01T00:00:00Z'), end: timeOf('2026-01-01T01:00:00Z') };

  test('has the types that Tidemark has, and tells those that it has not', async () => {
    const { columns } = await createDuckDbSourceReader(engine, place).describe(typed);
    expect(columns.map(({ name, type }) => [name, type])).toEqual([
      ['at', 'timestamp'],
      ['user_id', 'int64'],
      ...TYPES.map(([name, , , type]) => [name, type]),
      ['span', null],
    ]);
    expect(columns.at(-1)?.engineType).toBe('interval');
  });

  test('gives every value as it is, and nulls as nulls', async () => {
    const view = batchView(
      typed,
      { kind: 'passthrough' },
      TYPES.map(([name, , , type]) => [name, type]),
    );
    await createDuckDbFeatureComputer(engine, place).compute({ view, range: hour, path: 'typed.parquet' });
    const [first, second, ...more] = await storedRows(engine, view, folder, 'typed.parquet');
    expect(more).toEqual([]);
    expect(first?.eventTime).toBe(timeOf('2026-01-01T00:30:00.000001Z'));
    for (const [index, [name, , , , value]] of TYPES.entries()) {
      expect([name, first?.values[index]]).toEqual([name, value]);
    }
    expect(second?.key).toEqual([2n]);
    expect(second?.values).toEqual(TYPES.map(() => null));
  });

  test('sends the rows of the range only', async () => {
    const computer = createDuckDbFeatureComputer(engine, place);
    // Outside of the range, the query fails: rows are filtered where they lie.
    const guarded = source({
      table: null,
      query:
        `SELECT at, user_id, CASE WHEN at < '2026-01-01 03:00' OR at >= '2026-01-01 05:00' THEN 1 / (amount * 0) ELSE amount END AS amount
              FROM events; -- done`.replace('; -- done', ' -- done'),
    });
    const view = batchView(guarded, aggregations({ total: simple('sum', 'amount', '1h') }), [
      ['total', 'float64'],
    ]);
    const range = { start: timeOf('2026-01-01T04:00:00Z'), end: timeOf('2026-01-01T05:00:00Z') };
    await computer.compute({ view, range, path: 'sum.parquet' });
    const rows = await storedRows(engine, view, folder, 'sum.parquet');
    const total = rows
      .filter(({ intervalEnd }) => intervalEnd === range.end)
      .reduce((sum, { values }) => sum + Number(values[0]), 0);
    // Minutes 240 to 299.
    expect(total).toBe(((240 + 299) * 60) / 2);
    const wide = { ...range, end: timeOf('2026-01-01T07:00:00Z') };
    await expect(computer.compute({ view, range: wide, path: 'x.parquet' })).rejects.toThrow(
      /division by zero/,
    );
    const reader = createDuckDbSourceReader(engine, place);
    expect(await reader.extent(source({}), range)).toMatchObject({
      rows: 60,
      first: range.start,
      last: timeOf('2026-01-01T04:59:00Z'),
      bytes: expect.toSatisfy((bytes: number) => bytes >= 60 * 8),
    });
  });

  test('tells until when its rows are true, infinity and null for ever', async () => {
    await client.query(
      `CREATE TABLE IF NOT EXISTS plans AS SELECT * FROM (VALUES
         (1::bigint, 'a', '2026-01-01T00:10:00Z'::timestamptz, '2026-01-01T02:30:00.000001+02'::timestamptz),
         (2, 'b', '2026-01-01T00:10:00Z', 'infinity'), (3, 'c', '2026-01-01T00:10:00Z', NULL)
       ) t(user_id, plan, since, until)`,
    );
    const plans = source({ table: 'plans', timestampField: 'since', validTo: 'until' });
    const view = batchView(plans, { kind: 'passthrough' }, [['plan', 'string']], { validTo: 'until' });
    await createDuckDbFeatureComputer(engine, place).compute({ view, range: hour, path: 'plans.parquet' });
    const reader = createDuckDbFeatureReader(engine, { offlineRoot: folder });
    const ends = new Map<unknown, unknown>();
    for await (const rows of reader.latest({ view, slices: [{ path: 'plans.parquet', revision: 0 }] })) {
      for (const { values, validTo } of rows) ends.set(values[0], validTo);
    }
    expect(ends).toEqual(
      new Map([
        ['a', timeOf('2026-01-01T00:30:00.000001Z')],
        ['b', null],
        ['c', null],
      ]),
    );
  });

  test('is read by SQL views and spine queries by its name', async () => {
    const reader = createDuckDbSourceReader(engine, place);
    const query = 'SELECT user_id, max("at") AS "at", sum(amount) AS n FROM events GROUP BY ALL';
    expect((await reader.describeQuery(query, [source({})])).columns.map(({ name }) => name)).toEqual([
      'user_id',
      'at',
      'n',
    ]);
    const described = await createDuckDbAsOfEngine(engine, place).describeSpine({
      kind: 'query',
      query: 'SELECT user_id, "at" FROM events WHERE amount < 10 ORDER BY "at"',
      timestampField: 'at',
      // The other source is not asked: its address leads nowhere.
      sources: [source({}), source({ name: 'unnamed_here', urlEnv: 'CLOSED_URL' })],
    });
    expect(described.rows).toBe(10);
  });

  test('is a spine: a query in Postgres’ own SQL, with a digest of its rows and their order', async () => {
    const asOf = createDuckDbAsOfEngine(engine, place);
    const spine = (order: string) => ({
      kind: 'postgres' as const,
      urlEnv: 'WAREHOUSE_URL',
      query: `SELECT DISTINCT ON (user_id) user_id, at, amount::numeric(10,2) AS label FROM events ORDER BY user_id ${order}, at`,
      timestampField: 'at',
    });
    const described = await asOf.describeSpine(spine(''));
    expect(described).toMatchObject({
      rows: 3,
      columns: [
        { name: 'user_id', type: 'int32' },
        { name: 'at', type: 'timestamp' },
        { name: 'label', type: 'float64' },
      ],
    });
    expect((await asOf.describeSpine(spine(''))).digest).toBe(described.digest);
    expect((await asOf.describeSpine(spine('DESC'))).digest).not.toBe(described.digest);
  });

  test('and a spine query with columns that differ only in case, or have one name, are refused', async () => {
    const query = `SELECT at, user_id AS a, amount AS "A" FROM events`;
    const twice = 'it names columns more than once (a, A; case does not count).';
    const asOf = createDuckDbAsOfEngine(engine, place);
    const spine = { kind: 'postgres', urlEnv: 'WAREHOUSE_URL', query, timestampField: 'at' } as const;
    await expect(asOf.describeSpine(spine)).rejects.toMatchObject({
      code: 'SPINE_INVALID',
      message: `Cannot use the spine query: ${twice}`,
    });
    await expect(asOf.describeSpine({ ...spine, query: 'SELECT at, 1, 2 FROM events' })).rejects.toThrow(
      'it names columns more than once (?column?, ?column?; case does not count).',
    );
    const reader = createDuckDbSourceReader(engine, place);
    await expect(reader.describe(source({ table: null, query }))).rejects.toMatchObject({
      code: 'SOURCE_SCHEMA_MISMATCH',
      message: `Cannot read source "events" in Postgres: ${twice} Give each a name of its own.`,
    });
  });

  test('is the spine of a schedule, with the rows of the tick’s interval to the microsecond', async () => {
    const spec = trainingSetSpec({
      schedule: '0 * * * *',
      spine: {
        kind: 'postgres',
        urlEnv: 'WAREHOUSE_URL',
        query: `SELECT user_id, at, $interval_end::date AS day, '$interval_start' AS text FROM "Typed"
          WHERE at >= $interval_start AND at < $interval_end -- up to $interval_end`,
        timestampField: 'at',
      },
    });
    const rowsAt = async (tick: string) => {
      const { request } = scheduledRequest('shop', spec, timeOf(tick));
      return await createDuckDbAsOfEngine(engine, place).describeSpine(request.spine);
    };
    expect(await rowsAt('2026-01-01T01:00:00Z')).toMatchObject({
      rows: 2,
      span: { first: timeOf('2026-01-01T00:30:00.000001Z'), last: timeOf('2026-01-01T00:59:59.999999Z') },
    });
    expect((await rowsAt('2026-01-01T00:59:59Z')).rows).toBe(0);
    expect((await rowsAt('2026-01-01T02:30:00Z')).rows).toBe(0);
  });

  test.each(['My Sch.Ev Tab', '"My Sch"."Ev Tab"', 'My Sch."events.2026"', '"My Sch"."a ""b"""', '"events"'])(
    'is a table by the name %s',
    async (table) => {
      const reader = createDuckDbSourceReader(engine, place);
      expect((await reader.describe(source({ table }))).columns.map(({ name }) => name)).toEqual([
        'at',
        'user_id',
        'amount',
      ]);
      const { rows } = await reader.extent(source({ table }));
      expect(rows).toBe(table === '"events"' ? 3000 : 7);
    },
  );

  test.each([
    ['CLOSED_URL', {}, /\$CLOSED_URL: connect ECONNREFUSED/, false],
    ['ODD_URL', {}, /holds no address that starts with postgres:/, true],
    ['MISSING_URL', {}, /\$MISSING_URL: that environment variable is not set/, true],
    ['WAREHOUSE_URL', { table: 'nowhere' }, /relation "nowhere" does not exist/, true],
    ['WAREHOUSE_URL', { table: null, query: 'SELEC 1' }, /syntax error/, true],
    [
      'WAREHOUSE_URL',
      { table: null, query: 'SELECT user_id\nFROM events WHERE order > 1' },
      /syntax error at or near "order" \(line 2, character 19\)\.$/,
      true,
    ],
    [
      'WAREHOUSE_URL',
      { table: null, query: 'SELECT nowhere, "at" FROM events' },
      /column "nowhere" does not exist \(line 1, character 8\)\.$/,
      true,
    ],
    ['WAREHOUSE_URL', { table: null, query: 'SELECT user_id FROM' }, /: syntax error at its end\.$/, true],
    [
      'WAREHOUSE_URL',
      { table: null, query: 'SELECT 1) AS x; DROP TABLE events; --' },
      /cannot insert multiple commands|syntax error|read-only/,
      true,
    ],
  ])(
    'says why it cannot be read at $%s, without telling the address: %j',
    async (urlEnv, more, message, lasting) => {
      const failure: unknown = await createDuckDbSourceReader(engine, place)
        .describe(source({ urlEnv, ...more }))
        .catch((error: unknown) => error);
      expect(failure).toMatchObject({
        code: 'SOURCE_UNREADABLE',
        message: expect.stringMatching(message),
        lasting,
      });
      const told =
        failure instanceof Error
          ? `${failure.stack} ${JSON.stringify(failure)} ${String(failure.cause)}`
          : '';
      expect(told).not.toContain('hidden-pass');
      expect(told).not.toContain(new URL(url).password || 'hidden-pass');
      expect((await client.query('SELECT count(*)::int AS n FROM events')).rows).toEqual([{ n: 3000 }]);
    },
  );

  test('leaves no file of copied rows behind', async () => {
    const left = await readdir(join(folder, 'spill'), { recursive: true });
    expect(left.filter((name) => name.includes('postgres'))).toEqual([]);
  });
});
