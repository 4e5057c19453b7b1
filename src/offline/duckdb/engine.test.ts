import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { micros, timeOf } from '../../core/time.ts';
import type { Value, ValueType } from '../../core/value-type.ts';
import { createDuckDb, type DuckDbEngine } from './engine.ts';
import { identifier, literalPath, stringLiteral, timestampLiteral } from './sql-text.ts';
import { duckDbType, readColumn, toValue, transported, valueTypeOfDuckDb } from './types.ts';

let folder: string;
let engine: DuckDbEngine;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'tidemark-engine-'));
  engine = await createDuckDb({ memory: '300MB', threads: 2, tempDir: join(folder, 'spill') });
});
afterAll(async () => {
  await engine.close();
  await rm(folder, { recursive: true, force: true });
});

const scalar = (sql: string) =>
  engine.withConnection(async (connection) => (await connection.runAndReadAll(sql)).getRows()[0]?.[0]);

describe('the engine', () => {
  test('reads zoned timestamps as UTC on every connection', async () => {
    expect(
      String(await scalar(`SELECT CAST(TIMESTAMPTZ '2026-03-29 02:30:00.000001+02' AS TIMESTAMP)`)),
    ).toBe('2026-03-29 00:30:00.000001');
  });

  test('interrupts the running query when the signal aborts', async () => {
    const abort = new AbortController();
    setTimeout(() => abort.abort(), 30);
    await expect(
      engine.withConnection(
        (connection) =>
          connection.run('SELECT sum(a.range * b.range) FROM range(10000000) a, range(10000) b'),
        abort.signal,
      ),
    ).rejects.toMatchObject({ code: 'CANCELLED' });
    expect(await scalar('SELECT 1')).toBe(1);
  });

  test('refuses to start on a signal that has aborted already', async () => {
    await expect(engine.withConnection(async () => 1, AbortSignal.abort())).rejects.toMatchObject({
      code: 'CANCELLED',
    });
  });

  test('says which setting to raise when memory is used up', async () => {
    const small = await createDuckDb({ memory: '20MB', threads: 1, tempDir: join(folder, 'small') });
    await expect(
      small.withConnection((connection) =>
        connection.run(`SELECT list(range::VARCHAR || repeat('x', 100)) FROM range(3000000)`),
      ),
    ).rejects.toMatchObject({
      code: 'TOO_LARGE',
      message: expect.stringContaining('TIDEMARK_DUCKDB_MEMORY'),
    });
    await small.close();
  });

  test('names a setting that cannot be used', async () => {
    await expect(
      createDuckDb({ memory: 'plenty', threads: 1, tempDir: join(folder, 'bad') }),
    ).rejects.toMatchObject({ code: 'CONFIG_INVALID', message: expect.stringContaining('"plenty"') });
  });

  test('removes its spill folder when closed, and never that of a living engine', async () => {
    const tempDir = join(folder, 'shared');
    const first = await createDuckDb({ memory: '100MB', threads: 1, tempDir });
    const second = await createDuckDb({ memory: '100MB', threads: 1, tempDir });
    expect(await readdir(tempDir)).toHaveLength(2);
    await first.close();
    await second.close();
    expect(await readdir(tempDir)).toHaveLength(0);
  });
});

describe('SQL text', () => {
  test.each(['plain', 'with "quotes"', "it's", ''])('quotes %j as identifier and literal', async (text) => {
    expect(await scalar(`SELECT ${stringLiteral(text)}`)).toBe(text);
    if (text !== '')
      expect(await scalar(`SELECT ${identifier(text)} FROM (SELECT 7 AS ${identifier(text)})`)).toBe(7);
  });

  test.each([
    timeOf('2026-01-01T00:00:00.000001Z'),
    micros(-1n),
    timeOf('9999-12-31T23:59:59.999999Z'),
    micros(-62135596800000000n),
    micros(-62198755200000000n),
    micros(253402300800000000n),
  ])('writes %d microseconds as a timestamp', async (time) => {
    expect(await scalar(`SELECT epoch_us(${timestampLiteral(time)})`)).toBe(time);
  });

  test('takes a path with glob signs letter by letter', async () => {
    await writeFile(join(folder, 'a[1]*?.csv'), 'x\n5\n');
    await writeFile(join(folder, 'a1.csv'), 'x\n6\n');
    const path = stringLiteral(literalPath(join(folder, 'a[1]*?.csv')));
    expect(await scalar(`SELECT sum(x)::INTEGER FROM read_csv(${path})`)).toBe(5);
  });
});

describe('types', () => {
  const cases: readonly [ValueType, string, Value][] = [
    ['bool', 'true', true],
    ['int32', '-7', -7],
    ['int64', '9007199254740993', 9007199254740993n],
    ['float32', '1.5', 1.5],
    ['float64', "'-inf'", Number.NEGATIVE_INFINITY],
    ['string', "'é, a long string that is not inlined'", 'é, a long string that is not inlined'],
    ['bytes', "'\\x00\\xFF'", Uint8Array.of(0, 255)],
    ['timestamp', "'2026-01-01 00:00:00.000001'", timeOf('2026-01-01T00:00:00.000001Z')],
    ['date', "'2026-02-28'", '2026-02-28'],
    ['json', `'{"a": 1}'`, '{"a": 1}'],
    ['array<int64>', '[1, NULL, 3]', [1n, null, 3n]],
    ['array<timestamp>', "['1970-01-01 00:00:01', NULL]", [1_000_000n, null]],
    ['array<date>', "['1970-01-01']", ['1970-01-01']],
    ['array<string>', '[]', []],
    ['array<bytes>', "['a', NULL]", [Uint8Array.of(97), null]],
    ['vector(3)', '[1, 2.5, -3]', Float32Array.of(1, 2.5, -3)],
  ];
  test.each(cases)('%s comes back as it went in, also next to nulls', async (type, sql, value) => {
    const name = duckDbType(type);
    const rows = `(SELECT * FROM (VALUES (0, NULL::${name}), (1, CAST(${sql} AS ${name})), (2, NULL::${name}), (3, CAST(${sql} AS ${name}))) t(i, v) ORDER BY i)`;
    await engine.withConnection(async (connection) => {
      const chunk = await (
        await connection.stream(`SELECT ${transported('v', type)} FROM ${rows}`)
      ).fetchChunk();
      if (chunk === null) throw new Error('no chunk');
      expect(readColumn(chunk.getColumnVector(0), type)).toEqual([null, value, null, value]);
      const plain = await connection.runAndReadAll(`SELECT v FROM ${rows}`);
      expect(plain.getRows().map(([v = null]) => toValue(v, type))).toEqual([null, value, null, value]);
      const described = await connection.runAndReadAll(`SELECT typeof(CAST(NULL AS ${name}))`);
      expect(valueTypeOfDuckDb(String(described.getRows()[0]?.[0]))).toBe(type);
    });
  });

  test.each([
    ['SMALLINT', 'int32'],
    ['UINTEGER', 'int64'],
    ['HUGEINT', 'int64'],
    ['DECIMAL(18,0)', 'int64'],
    ['DECIMAL(18,3)', 'float64'],
    ['TIMESTAMP WITH TIME ZONE', 'timestamp'],
    ['TIMESTAMP_NS', 'timestamp'],
    ["ENUM('a', 'b')", 'string'],
    ['INTEGER[3]', 'array<int32>'],
    ['DOUBLE[4]', 'vector(4)'],
    ['STRUCT(a INTEGER)', null],
    ['INTEGER[][]', null],
    ['TIME', null],
  ])('%s of a source is %s', (engineType, type) => {
    expect(valueTypeOfDuckDb(engineType)).toBe(type);
  });
});
