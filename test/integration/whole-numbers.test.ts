import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { timeOf } from '../../src/core/time.ts';
import { createDuckDbAsOfEngine } from '../../src/offline/duckdb/as-of/duckdb-as-of-engine.ts';
import { createDuckDbFeatureComputer } from '../../src/offline/duckdb/compute/duckdb-feature-computer.ts';
import { createDuckDb, type DuckDbEngine } from '../../src/offline/duckdb/engine.ts';
import { createDuckDbSourceReader } from '../../src/offline/duckdb/sources/duckdb-source-reader.ts';
import { batchView, fileSource, storedRows } from '../support/offline-case.ts';

let folder: string;
let engine: DuckDbEngine;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'tidemark-whole-'));
  engine = await createDuckDb({ memory: '200MB', threads: 1, tempDir: join(folder, 'spill') });
});
afterAll(async () => {
  await engine.close();
  await rm(folder, { recursive: true, force: true });
});

const reader = () => createDuckDbSourceReader(engine, { baseDir: folder });
const asOf = () => createDuckDbAsOfEngine(engine, { baseDir: folder, offlineRoot: folder });

async function write(path: string, lines: readonly string[]): Promise<string> {
  await mkdir(dirname(join(folder, path)), { recursive: true });
  await writeFile(join(folder, path), `${lines.join('\n')}\n`);
  return join(folder, path);
}

const N = { name: 'n', type: 'int64' } as const;
const AT = '2026-01-01T00:00:00Z';

const kinds = [
  ['csv', (values: readonly string[]) => ['at,user_id,n', ...values.map((n, at) => `${AT},${at},${n}`)]],
  ['json', (values: readonly string[]) => values.map((n, at) => `{"at":"${AT}","user_id":${at},"n":${n}}`)],
] as const;

describe.each(kinds)('a %s file', (kind, lines) => {
  async function valuesOf(name: string, values: readonly string[]) {
    await write(`${name}.${kind}`, lines(values));
    const source = fileSource({ kind, path: `${name}.${kind}`, columns: [N] });
    const view = batchView(source, { kind: 'passthrough' }, [['n', 'int64']]);
    const computer = createDuckDbFeatureComputer(engine, { baseDir: folder, offlineRoot: folder });
    const range = { start: timeOf(AT), end: timeOf('2026-01-01T01:00:00Z') };
    const path = `${name}-${kind}.parquet`;
    await computer.compute({ view, range, path });
    return (await storedRows(engine, view, folder, path)).map((row) => row.values[0]);
  }

  test('has whole numbers however they are written, to the last digit', async () => {
    const written = ['7', '-7', '5.0', '1e3', '15e1', '9223372036854775807', '-9223372036854775808'];
    const own = kind === 'csv' ? ['', '""', '"12"', ' 8 '] : ['null', '"12"', '8.00'];
    const read = [7n, -7n, 5n, 1000n, 150n, 9223372036854775807n, -9223372036854775808n];
    expect(await valuesOf('good', [...written, ...own])).toEqual([
      ...read,
      ...(kind === 'csv' ? [null, null, 12n, 8n] : [null, 12n, 8n]),
    ]);
  });

  // A number in JSON is a double before it is anything else.
  const more = kind === 'csv' ? (['9007199254740993.5', '1e-1'] as const) : [];
  test.each(['5.7', '-0.5', '9223372036854775808', '"seven"', ...more])(
    'with %s for an int64 is one error that names file, column and value',
    async (value) => {
      const name = `bad-${value.replaceAll(/\W/g, '_')}`;
      await write(`${name}.${kind}`, lines(['1', value]));
      const source = fileSource({ kind, path: `${name}.${kind}`, columns: [N] });
      await expect(reader().describe(source)).rejects.toMatchObject({
        code: 'SOURCE_SCHEMA_MISMATCH',
        message: expect.stringContaining(
          `(column "n" of ${join(folder, `${name}.${kind}`)} has "${value.replaceAll('"', '')}", which is no int64)`,
        ),
      });
    },
  );

  test('has whole numbers in lists, and one that is none is told', async () => {
    const list = { name: 'n', type: 'array<int64>' } as const;
    const text = (value: string) =>
      kind === 'csv' && value.includes(',') ? `"${value.replaceAll('"', '""')}"` : value;
    const source = (path: string) => fileSource({ kind, path, columns: [list] });
    const view = batchView(source(`lists.${kind}`), { kind: 'passthrough' }, [['n', 'array<int64>']]);
    const nothing = kind === 'csv' ? '' : 'null';
    await write(`lists.${kind}`, lines(['[1, 9007199254740993]', '[2.0,null]', '[]', nothing].map(text)));
    const computer = createDuckDbFeatureComputer(engine, { baseDir: folder, offlineRoot: folder });
    const range = { start: timeOf(AT), end: timeOf('2026-01-01T01:00:00Z') };
    await computer.compute({ view, range, path: `lists-${kind}.parquet` });
    const rows = await storedRows(engine, view, folder, `lists-${kind}.parquet`);
    expect(rows.map(({ values }) => values[0])).toEqual([[1n, 9007199254740993n], [2n, null], [], null]);
    for (const [at, [value, told]] of [
      ['[1, 2.7]', '2.7", which is no int64'],
      ['["x"]', 'x", which is no int64'],
      ['7', '7", which is no array<int64>'],
    ].entries()) {
      await write(`list-${at}.${kind}`, lines(['[1, 2]', value ?? ''].map(text)));
      await expect(reader().describe(source(`list-${at}.${kind}`))).rejects.toMatchObject({
        code: 'SOURCE_SCHEMA_MISMATCH',
        message: expect.stringContaining(`column "n" of ${join(folder, `list-${at}.${kind}`)} has "${told}`),
      });
    }
  });

  test('with a value that only a late row has is told when that row is read, declared or not', async () => {
    const values = [...Array.from({ length: 30_000 }, (_, at) => `${at}`), '5.7'];
    await expect(valuesOf('late', values)).rejects.toMatchObject({
      code: 'SOURCE_SCHEMA_MISMATCH',
      message: expect.stringContaining(
        `a value does not fit its type (column "n" of ${join(folder, `late.${kind}`)} has "5.7", which is no int64)`,
      ),
    });
    const undeclared = fileSource({ kind, path: `late.${kind}` });
    // DuckDB takes the column for whole numbers by its first lines.
    expect((await reader().describe(undeclared)).columns).toContainEqual(
      expect.objectContaining({ name: 'n', type: 'int64' }),
    );
    const view = batchView(undeclared, { kind: 'passthrough' }, [['n', 'int64']]);
    const computer = createDuckDbFeatureComputer(engine, { baseDir: folder, offlineRoot: folder });
    const range = { start: timeOf(AT), end: timeOf('2026-01-01T01:00:00Z') };
    await expect(computer.compute({ view, range, path: 'never.parquet' })).rejects.toThrow('has "5.7"');
  });

  test('of entity rows is looked at as a whole when its first lines do not tell the type', async () => {
    const values = [...Array.from({ length: 30_000 }, (_, at) => `${at}`), '5.7'];
    const path = await write(`rows.${kind}`, lines(values));
    const { columns, rows } = await asOf().describeSpine({ kind, path, timestampField: 'at' });
    expect(rows).toBe(30_001);
    expect(columns).toContainEqual({ name: 'n', type: 'float64' });
  });

  test('of several is named in the error, and columns may be in some only', async () => {
    await write(`many/a.${kind}`, lines(['1']));
    await write(`many/b.${kind}`, kind === 'csv' ? ['at,m', `${AT},2`] : [`{"at":"${AT}","m":2}`]);
    const source = fileSource({ kind, path: `many/*.${kind}`, columns: [N] });
    expect((await reader().describe(source)).columns).toEqual(
      expect.arrayContaining([
        expect.objectContaining({ name: 'n', type: 'int64' }),
        expect.objectContaining({ name: 'm', type: 'int64' }),
      ]),
    );
    expect((await reader().describe(source)).columns).toHaveLength(4);
    await write(`many/c.${kind}`, lines(['2.5']));
    await expect(reader().describe(source)).rejects.toThrow(
      `column "n" of ${join(folder, `many/c.${kind}`)} has "2.5", which is no int64`,
    );
  });
});
