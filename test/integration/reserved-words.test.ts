import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { durationOf, timeOf } from '../../src/core/time.ts';
import { createDuckDbAsOfEngine } from '../../src/offline/duckdb/as-of/duckdb-as-of-engine.ts';
import { createDuckDbFeatureComputer } from '../../src/offline/duckdb/compute/duckdb-feature-computer.ts';
import { createDuckDb, type DuckDbEngine } from '../../src/offline/duckdb/engine.ts';
import { createDuckDbFeatureReader } from '../../src/offline/duckdb/newest/duckdb-feature-reader.ts';
import { createDuckDbSourceReader } from '../../src/offline/duckdb/sources/duckdb-source-reader.ts';
import { identifier, stringLiteral } from '../../src/offline/duckdb/sql-text.ts';
import { createDuckDbLeakageGauge } from '../../src/offline/duckdb/tables/duckdb-leakage-gauge.ts';
import { createDuckDbTableArranger } from '../../src/offline/duckdb/tables/duckdb-table-arranger.ts';
import { createDuckDbTableProfiler } from '../../src/offline/duckdb/tables/duckdb-table-profiler.ts';
import { aggregations, batchView, fileSource, simple } from '../support/offline-case.ts';

let folder: string;
let engine: DuckDbEngine;
let words: readonly string[];

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'tidemark-words-'));
  engine = await createDuckDb({ memory: '500MB', threads: 2, tempDir: join(folder, 'spill') });
  const found = await run(
    `SELECT keyword_name FROM duckdb_keywords() WHERE keyword_category = 'reserved' ORDER BY ALL`,
  );
  words = found.map(([word]) => String(word));
});

afterAll(async () => {
  await engine.close();
  await rm(folder, { recursive: true, force: true });
});

function run(sql: string) {
  return engine.withConnection(async (connection) => (await connection.runAndReadAll(sql)).getRows());
}

const range = { start: timeOf('2026-01-01T00:00:00Z'), end: timeOf('2026-01-01T02:00:00Z') };
const KINDS = ['parquet', 'csv', 'json'] as const;

test('every word that DuckDB keeps for itself can be the name of a column, in every place', async () => {
  expect(words).toContain('default');
  for (let at = 0; at < words.length; at += 5) {
    const [key = '', time = '', created = '', value = '', label = ''] = [...words, ...words].slice(
      at,
      at + 5,
    );
    const kind = KINDS[at % KINDS.length] ?? 'parquet';
    const columns = (minutes: number) =>
      `SELECT i % 3 AS ${identifier(key)}, TIMESTAMP '2026-01-01' + to_minutes(i + ${minutes}) AS ${identifier(time)}, ` +
      `${identifier(time)} + INTERVAL 1 SECOND AS ${identifier(created)}, i * 0.5 AS `;
    const write = (path: string, sql: string) =>
      run(`COPY (${sql}) TO ${stringLiteral(join(folder, path))} (FORMAT ${kind})`);
    await write(`${at}.${kind}`, `${columns(0)}${identifier(value)} FROM range(60) t(i)`);
    await write(`spine-${at}.${kind}`, `${columns(90)}${identifier(label)} FROM range(60) t(i)`);
    const source = fileSource({
      kind,
      path: `${at}.${kind}`,
      timestampField: time,
      createdTimestampField: created,
      columns: [
        { name: time, type: 'timestamp' },
        { name: created, type: 'timestamp' },
        { name: value, type: 'float64' },
      ],
    });
    const of = { name: `view${at}`, joinKeys: [{ name: key, type: 'int64' as const }] };
    const through = batchView(source, { kind: 'passthrough' }, [[value, 'float64']], of);
    const where = `${identifier(value)} >= 0`;
    const summed = batchView(
      source,
      aggregations({
        [value]: simple('sum', value, '2h', { where }),
        [label]: simple('last', value, '2h'),
        [created]: simple('countDistinct', created, '2h'),
      }),
      [
        [value, 'float64'],
        [label, 'float64'],
        [created, 'int64'],
      ],
      of,
    );
    const place = { baseDir: folder, offlineRoot: folder };
    const reader = createDuckDbSourceReader(engine, place);
    await expect(reader.describeExpression(where, source)).resolves.toBe('bool');
    for (const view of [through, summed]) {
      const path = `view-${at}-${view.features.length}.parquet`;
      const computed = await createDuckDbFeatureComputer(engine, place).compute({ view, range, path });
      expect(computed?.rows, `${key} ${time} ${value}`).toBeGreaterThan(0);
      const latest: unknown[] = [];
      const reader = createDuckDbFeatureReader(engine, { offlineRoot: folder });
      for await (const rows of reader.latest({ view, slices: [{ path, revision: 0 }] })) latest.push(...rows);
      expect(latest).toHaveLength(3);
      const out = join(folder, `${at}-${view.features.length}`);
      await mkdir(out);
      const joined = await createDuckDbAsOfEngine(engine, place).join({
        spine: { kind, path: join(folder, `spine-${at}.${kind}`), timestampField: time },
        views: [
          {
            view: view.name,
            version: 1,
            joinKeys: view.joinKeys,
            spineColumns: [key],
            features: [
              { feature: view.features[0] ?? { name: '', type: 'int64', description: '' }, output: value },
            ],
            ttl: durationOf('3h'),
            dataDelay: durationOf('1m'),
            slices: [{ path, revision: 0 }],
          },
        ],
        knownAt: { kind: 'any' },
        path: join(out, 'joined.parquet'),
      });
      expect(joined).toMatchObject({ rows: 60, nulls: { [value]: 0 } });
      for (const format of view === summed ? [] : (['csv', 'arrow'] as const)) {
        const files = await createDuckDbTableArranger(engine).arrange({
          from: join(out, 'joined.parquet'),
          folder: out,
          name: 'data',
          timestampField: time,
          layout: { format, rowsPerFile: null, split: { kind: 'entity', shares: [50, 50], columns: [key] } },
        });
        expect(files.reduce((sum, { rows }) => sum + rows, 0)).toBe(60);
        const paths = files.map((file) => join(out, file.path));
        if (format === 'csv') {
          const profile = await createDuckDbTableProfiler(engine).profile({ format, paths });
          expect(profile.columns.map(({ name }) => name)).toEqual([key, time, created, label, value]);
          const measured = await createDuckDbLeakageGauge(engine).measure({
            table: { format, paths },
            label: { name: label, kind: 'ordered' },
            columns: [key, value].map((name) => ({ name, kind: 'ordered' })),
            mostRows: 100,
          });
          expect(measured.rows).toBe(60);
        }
      }
    }
  }
});

/** Values, and what may stand between a SELECT and a FROM: they mean something where a column could stand. */
const MEANT = ['true', 'false', 'null', 'union', 'except', 'intersect'];

test('a column called by such a word and not quoted, in a query or an expression, is one error that says what to do', async () => {
  const reader = createDuckDbSourceReader(engine, { baseDir: folder });
  for (const word of words.filter((one) => !MEANT.includes(one))) {
    const path = `called-${word}.parquet`;
    await run(
      `COPY (SELECT TIMESTAMP '2026-01-01' AS moment, 1 AS ${identifier(word)}) TO ${stringLiteral(join(folder, path))}`,
    );
    const source = fileSource({ path, timestampField: 'moment' });
    const told = {
      code: 'QUERY_INVALID',
      message: expect.stringMatching(
        new RegExp(
          `"${word}" is a word of SQL, and the column of that name is written "${word}", in double quotes\\.$`,
        ),
      ),
    };
    const selected = reader.describeQuery(`SELECT moment, ${word} FROM events`, [source]);
    await expect(selected).rejects.toMatchObject(told);
    await expect(reader.describeExpression(`${word} > 1`, source)).rejects.toMatchObject(told);
  }
});
