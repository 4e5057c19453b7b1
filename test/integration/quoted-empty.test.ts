import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeAll, describe, expect, test } from 'vitest';
import { formatTime, type Micros, micros, timeOf } from '../../src/core/time.ts';
import { createDuckDbFeatureComputer } from '../../src/offline/duckdb/compute/duckdb-feature-computer.ts';
import { createDuckDbTableProfiler } from '../../src/offline/duckdb/tables/duckdb-table-profiler.ts';
import { appliedBatchView } from '../../src/registry/applied-manifest.ts';
import { buildTrainingSet } from '../../src/training/build-training-set.ts';
import type { TrainingDeps } from '../../src/training/training-set.ts';
import { testEngine } from '../support/feature-repo.ts';
import { materializeHere } from '../support/materialize-here.ts';
import { batchView, fileSource, storedRows } from '../support/offline-case.ts';
import { appliedProject, type TestProject } from '../support/project.ts';
import { trainingDeps } from '../support/training-deps.ts';

let project: TestProject;
let start: Micros;
let deps: TrainingDeps;

beforeAll(async () => {
  project = await appliedProject({
    days: 2,
    definitions: `
export const thisProject = project({ name: '<project>' });
export const shop = entity({ name: 'shop', joinKeys: { shop: 'string' } });
export const shops = csvSource({ name: 'shops', path: 'shops.csv', timestampField: 'at', columns: { at: 'timestamp', shop: 'string', note: 'string' } });
export const view = batchFeatureView({ name: 'view', version: 1, entities: [shop], source: shops, schedule: '0 0 * * *',
  startTime: '<start>', ttl: '7d', features: { note: 'string', n: 'int64' } });`,
    // DuckDB writes an empty text as "", and a null as nothing.
    data: {
      'shops.csv': `SELECT * FROM (VALUES (TIMESTAMP '<start>', '', '', 1), (TIMESTAMP '<start>', 'x', NULL, 2),
        (TIMESTAMP '<start>', NULL, 'y', 3)) t("at", shop, note, n)`,
    },
  });
  const { platform, name } = project;
  const registry = await platform.registry();
  const view = await appliedBatchView(registry, { project: name, view: 'view', version: 1 });
  start = timeOf(view.startTime);
  const end = micros(start + 86_400_000_000n);
  await materializeHere(project, { view, range: { start, end } });
  deps = await trainingDeps(project);
});

describe('an empty text in CSV ("")', () => {
  test('is a key, a value and a column of entity rows, and stays one through a set in CSV', async () => {
    const at = formatTime(micros(start + 86_400_000_000n));
    const train = async (path: string, fullNames: boolean) => {
      const set = await buildTrainingSet(
        {
          project: project.name,
          spine: { kind: 'csv', path, timestampField: 't' },
          features: { kind: 'references', references: ['view:note', 'view:n'] },
          knownAt: 'any',
          fullNames,
          layout: { format: 'csv' },
        },
        deps,
      );
      return set.path;
    };
    const spine = join(project.home, 'spine.csv');
    await writeFile(spine, `shop,t,said\n"",${at},""\nx,${at},\n,${at},z\n`);
    const first = await train(spine, false);
    const lines = (await readFile(first, 'utf8')).trim().split('\n').slice(1);
    expect(lines.map((line) => line.replace(/\d{4}-[^,]*/, 'T'))).toEqual([
      '"",T,"","",1',
      'x,T,,,2',
      ',T,z,,',
    ]);
    const again = (await readFile(await train(first, true), 'utf8')).trim().split('\n').slice(1);
    expect(again.map((line) => line.replace(/\d{4}-[^,]*/, 'T'))).toEqual([
      '"",T,"","",1,"",1',
      'x,T,,,2,,2',
      ',T,z,,,,',
    ]);
    const profiler = createDuckDbTableProfiler(await testEngine());
    const profile = await profiler.profile({ format: 'csv', paths: [first] });
    expect(profile.columns.map(({ name, nulls }) => `${name} ${nulls}`)).toContain('note 2');
  });
});

describe('nothing between quotes, beside a column of text,', () => {
  const types = {
    n: 'int64',
    x: 'float64',
    yes: 'bool',
    day: 'date',
    moment: 'timestamp',
    list: 'array<int64>',
  } as const;
  const names = Object.keys(types) as (keyof typeof types)[];
  const header = `at,user_id,text,${names.join(',')}`;
  const full = '2026-01-01 00:00:01,1,a,7,0.5,true,2026-01-02,2026-01-03 04:05:06,"[1, 2]"';

  async function valuesOf(name: string, lines: readonly string[], declared: boolean) {
    await writeFile(join(project.home, name), `${[header, ...lines].join('\n')}\n`);
    const columns = names.map((column) => ({ name: column, type: types[column] }));
    const source = fileSource({ kind: 'csv', path: name, columns: declared ? columns : [] });
    const view = batchView(source, { kind: 'passthrough' }, [
      ['text', 'string'],
      ...columns.map(({ name, type }) => [name, type] as const),
    ]);
    const engine = await testEngine();
    const place = { baseDir: project.home, offlineRoot: project.home };
    const range = { start: timeOf('2026-01-01T00:00:00Z'), end: timeOf('2026-02-01T00:00:00Z') };
    await createDuckDbFeatureComputer(engine, place).compute({ view, range, path: `${name}.parquet` });
    const rows = await storedRows(engine, view, project.home, `${name}.parquet`);
    return rows.toSorted((a, b) => Number(a.key[0]) - Number(b.key[0])).map(({ values }) => values);
  }

  test.each([true, false])(
    'is a null in columns of other types, as nothing without quotes is (declared: %s)',
    async (declared) => {
      const empty = (at: number, text: string, nothing: string) =>
        `2026-01-01 00:00:0${at},${at},${text},${names.map(() => nothing).join(',')}`;
      const [first, ...rest] = await valuesOf(
        `typed-${declared}.csv`,
        [full, empty(2, '""', '""'), empty(3, '', '')],
        declared,
      );
      expect(first?.slice(0, 4)).toEqual(['a', 7n, 0.5, true]);
      expect(first?.[5]).toBe(timeOf('2026-01-03T04:05:06Z'));
      expect(rest).toEqual([
        ['', ...names.map(() => null)],
        [null, ...names.map(() => null)],
      ]);
    },
  );

  test('leaves times as they were read that are not written as ISO 8601 does', async () => {
    const foreign = full
      .replace('2026-01-01', '13/01/2026')
      .replace('2026-01-02', '31/12/2026')
      .replace('2026-01-03', '31/12/2026');
    const [values] = await valuesOf('foreign.csv', [foreign], false);
    expect(values?.[5]).toBe(timeOf('2026-12-31T04:05:06Z'));
  });

  test.each([
    ['x', '0.5', 'half', /column "x" of .*bad-x\.csv has "half", which is no float64/],
    [
      'moment',
      '2026-01-03 04:05:06',
      'soon',
      /column "moment" of .*bad-moment\.csv has "soon", which is no timestamp/,
    ],
  ])(
    'and what is no value of column %s is an error that names file, column and value',
    async (name, good, bad, message) => {
      await expect(valuesOf(`bad-${name}.csv`, [full, full.replace(good, bad)], true)).rejects.toMatchObject({
        code: 'SOURCE_SCHEMA_MISMATCH',
        message: expect.stringMatching(message),
      });
    },
  );
});
