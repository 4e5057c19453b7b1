import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createDuckDbWorld, type DuckDbWorld } from '../../../../test/conformance/duckdb-world.ts';
import type { GaugedColumn, LeakageMeasures } from '../../leakage-gauge.ts';
import { createDuckDbLeakageGauge } from './duckdb-leakage-gauge.ts';
import { createDuckDbTableArranger } from './duckdb-table-arranger.ts';

let world: DuckDbWorld;
beforeAll(async () => {
  world = await createDuckDbWorld();
});
afterAll(() => world.close());

/** Random, and the same in each run: in [0, 1). */
const random = (seed: string) => `(md5_number_lower(i || '${seed}') / 18446744073709551616.0::DOUBLE)`;

type Kinds = Readonly<Record<string, GaugedColumn['kind']>>;

async function measure(
  columns: Readonly<Record<string, string>>,
  label: GaugedColumn,
  kinds: Kinds,
  { rows = 4000, mostRows = 1_000_000 } = {},
): Promise<LeakageMeasures> {
  const path = join(world.folder, 'measured.parquet');
  const select = Object.entries(columns).map(([name, sql]) => `${sql} AS ${name}`);
  await world.run(
    `COPY (SELECT ${select.join(', ')} FROM (SELECT i, ${random('y')} AS u FROM range(${rows}) t(i))) TO '${path}' (FORMAT parquet)`,
  );
  return await createDuckDbLeakageGauge(world.db).measure({
    table: { format: 'parquet', paths: [path] },
    label,
    columns: Object.entries(kinds).map(([name, kind]) => ({ name, kind })),
    mostRows,
  });
}

const scores = ({ columns }: LeakageMeasures) =>
  Object.fromEntries(
    columns.map(({ name, byValue, byNull }) => [name, [byValue?.score ?? null, byNull?.score ?? null]]),
  );

test('Arrow files give what the Parquet that they are made from gives, whatever the types, sampled or not', async () => {
  const place = join(world.folder, 'both');
  await mkdir(place);
  const from = join(place, 'joined.parquet');
  await world.run(
    `COPY (SELECT i, i % 10 < 3 AS yes, if(i % 7 = 0, NULL, (i % 100 - 50)::TINYINT) AS tiny, -i::INTEGER AS number, (i - 700) * 1152921504606846 AS long,
      18446744073709551615::UBIGINT - i::UBIGINT AS wide, (i % 13)::FLOAT AS single, if(i % 5 = 0, 'nan'::DOUBLE, ${random('d')}) AS real,
      'ä' || i % 9 AS text, TIMESTAMP '1969-12-31' + to_hours(i) AS "at", DATE '1969-06-01' + (i % 400)::INTEGER AS day, (i % 50 - 25.5)::DECIMAL(20,1) AS price
      FROM range(1500) t(i)) TO '${from}' (FORMAT parquet)`,
  );
  const files = await createDuckDbTableArranger(world.db).arrange({
    from,
    folder: place,
    name: 'data',
    layout: { format: 'arrow', rowsPerFile: 600, split: null },
    timestampField: 'at',
  });
  expect(files).toHaveLength(3);
  const category: readonly string[] = ['yes', 'text'];
  const columns = 'tiny number long wide single real text at day price yes'
    .split(' ')
    .map((name) => ({ name, kind: category.includes(name) ? ('category' as const) : ('ordered' as const) }));
  const gauge = createDuckDbLeakageGauge(world.db);
  const arrow = { format: 'arrow', paths: files.map(({ path }) => join(place, path)) } as const;
  const parquet = { format: 'parquet', paths: [from] } as const;
  for (const [name, mostRows] of [
    ['yes', 1_000_000],
    ['price', 800],
  ] as const) {
    const label = { name, kind: name === 'yes' ? 'category' : 'ordered' } as const;
    const measured = (table: typeof arrow | typeof parquet) =>
      gauge.measure({ table, label, columns: columns.filter((column) => column.name !== name), mostRows });
    const found = await measured(arrow);
    expect(found.sampled).toBe(mostRows === 800);
    expect(found).toEqual(await measured(parquet));
  }
  const [label = { name: 'yes', kind: 'category' }] = columns;
  await expect(
    gauge.measure({ table: { format: 'arrow', paths: [from] }, label, columns, mostRows: 10 }),
  ).rejects.toMatchObject({ code: 'SOURCE_UNREADABLE' });
  await expect(
    gauge.measure({ table: { format: 'arrow', paths: [`${from}.gone`] }, label, columns, mostRows: 10 }),
  ).rejects.toMatchObject({ code: 'SOURCE_UNREADABLE' });
});

describe('for a label of two values', () => {
  const label = { name: 'y', kind: 'category' } as const;

  test('AUC is that of the pairs counted one by one, with ties, in whichever direction is better', async () => {
    const columns = {
      y: 'u < 0.4',
      x: `floor(10 * (u + ${random('x')}))`,
      minus: `-floor(10 * (u + ${random('x')}))`,
    };
    const found = await measure(columns, label, { x: 'ordered', minus: 'ordered' }, { rows: 500 });
    const path = join(world.folder, 'measured.parquet');
    const [[pairs] = []] = await world.run(
      `SELECT avg(if(a.x > b.x, 1.0, if(a.x = b.x, 0.5, 0))) FROM '${path}' a, '${path}' b WHERE a.y AND NOT b.y`,
    );
    const auc = Number((1 - Number(pairs)).toFixed(6));
    expect(auc).toBeGreaterThan(0.7);
    // By order or by bin, whichever is better: bins of few rows are worse.
    expect(found.columns[0]?.byValue?.score).toBeCloseTo(auc, 6);
    expect(scores(found).minus).toEqual(scores(found).x);
  });

  test('a copy is perfect, noise and ids of their own predict nothing, an honest column is between', async () => {
    const found = await measure(
      {
        y: 'u < 0.3',
        copy: 'if(u < 0.3, 7, 2)::INTEGER',
        text: `if(u < 0.3, 'yes', 'no')`,
        scaled: 'u * 1e9',
        band: 'if(u < 0.3, 0.5, floor(u * 10) % 2)',
        honest: `u + 2 * ${random('h')}`,
        shop: `'shop' || floor(3 * u + 5 * ${random('s')})`,
        noise: random('n'),
        id: `md5(i::VARCHAR)`,
        pairs: `md5((i // 2)::VARCHAR)`,
        number_id: 'i::BIGINT',
        constant: '1::INTEGER',
        nothing: 'NULL::DOUBLE',
      },
      label,
      {
        copy: 'ordered',
        text: 'category',
        scaled: 'ordered',
        band: 'ordered',
        honest: 'ordered',
        shop: 'category',
        noise: 'ordered',
        id: 'category',
        pairs: 'category',
        number_id: 'ordered',
        constant: 'ordered',
        nothing: 'ordered',
      },
    );
    const score = (name: string) => scores(found)[name]?.[0] ?? Number.NaN;
    expect(found).toMatchObject({ rows: 4000, sampled: false, label: 'binary' });
    for (const name of ['copy', 'text', 'scaled', 'band']) expect([name, score(name)]).toEqual([name, 1]);
    for (const name of ['honest', 'shop']) {
      expect(score(name)).toBeGreaterThan(0.6);
      expect(score(name)).toBeLessThan(0.8);
    }
    for (const name of ['noise', 'pairs', 'number_id']) expect(score(name)).toBeLessThan(0.55);
    expect([score('id'), score('constant'), scores(found).nothing]).toEqual([0.5, 0.5, [null, null]]);
    expect(found.columns[0]?.byValue).toEqual({ score: 1, rows: 4000, others: expect.any(Number) });
    const [[positive] = []] = await world.run(
      `SELECT count(*) FROM '${join(world.folder, 'measured.parquet')}' WHERE y`,
    );
    expect(found.columns[0]?.byValue?.others).toBe(Number(positive));
  });

  test('whether there is a value counts as much as the value', async () => {
    const found = await measure(
      {
        y: '(u < 0.3)::INTEGER',
        leaks: `if(u < 0.3, ${random('l')}, NULL)`,
        some: `if(${random('m')} < 0.5, NULL, u)`,
      },
      { name: 'y', kind: 'ordered' },
      { leaks: 'ordered', some: 'ordered' },
    );
    const [leaks, some] = found.columns;
    expect(leaks?.byValue).toBeNull();
    expect(leaks?.byNull).toMatchObject({ score: 1, rows: 4000 });
    expect(some?.byValue?.score).toBe(1);
    expect(some?.byValue?.rows).toBeLessThan(2100);
    expect(some?.byNull?.score).toBeLessThan(0.53);
  });
});

describe('for a label of numbers', () => {
  const label = { name: 'y', kind: 'ordered' } as const;

  test('R² of ranks finds copies, of any scale and by any group, and nothing in noise', async () => {
    const found = await measure(
      {
        y: 'exp(20 * u)',
        copy: 'exp(20 * u)',
        minus: '-(u ** 3)',
        fold: `if(i % 2 = 0, u, -u)`,
        text: `'bin' || floor(u * 50)`,
        honest: `u + ${random('h')}`,
        noise: random('n'),
        id: 'md5(i::VARCHAR)',
        gaps: `if(u < 0.5, NULL, ${random('g')})`,
      },
      label,
      {
        copy: 'ordered',
        minus: 'ordered',
        fold: 'ordered',
        text: 'category',
        honest: 'ordered',
        noise: 'ordered',
        id: 'category',
        gaps: 'ordered',
      },
    );
    const score = (name: string) => scores(found)[name]?.[0] ?? Number.NaN;
    expect(found.label).toBe('ordered');
    for (const name of ['copy', 'minus', 'fold', 'text']) expect(score(name)).toBeGreaterThan(0.995);
    expect(score('honest')).toBeGreaterThan(0.45);
    expect(score('honest')).toBeLessThan(0.55);
    for (const name of ['noise', 'id', 'gaps']) expect(score(name)).toBeLessThan(0.02);
    // Half of the variance of ranks: 1 - 1/4.
    expect(scores(found).gaps?.[1]).toBeCloseTo(0.75, 1);
  });

  test.each([100, 200, 1000])('a copy is found in %i rows too', async (rows) => {
    const found = await measure({ y: 'u', copy: 'u * 3' }, label, { copy: 'ordered' }, { rows });
    expect(found.columns[0]?.byValue?.score).toBeGreaterThan(0.99);
  });
});

test('a label of other text is measured class by class', async () => {
  const found = await measure(
    {
      y: `'class' || floor(u * 4)`,
      copy: 'floor(u * 4)::INTEGER',
      text: `'c' || floor(u * 4)`,
      half: '(u < 0.5)',
      noise: random('n'),
    },
    { name: 'y', kind: 'category' },
    { copy: 'ordered', text: 'category', half: 'category', noise: 'ordered' },
  );
  expect(found.label).toBe('classes');
  const { copy, text, half, noise } = scores(found);
  expect([copy?.[0], text?.[0]]).toEqual([1, 1]);
  // Half of the rows are told from two of the three other classes.
  expect(half?.[0]).toBeCloseTo(5 / 6, 1);
  expect(noise?.[0]).toBeLessThan(0.56);
});

test('of many rows a fixed sample is measured, the same each time', async () => {
  const columns = { y: 'u < 0.3', copy: 'u', honest: `u + ${random('h')}` };
  const kinds = { copy: 'ordered', honest: 'ordered' } as const;
  const label = { name: 'y', kind: 'category' } as const;
  const found = await measure(columns, label, kinds, { rows: 50_000, mostRows: 5000 });
  expect(found.sampled).toBe(true);
  expect(found.rows).toBeGreaterThan(4500);
  expect(found.rows).toBeLessThan(5500);
  expect(found.columns[0]?.byValue?.score).toBe(1);
  expect(await measure(columns, label, kinds, { rows: 50_000, mostRows: 5000 })).toEqual(found);
});

test('a label of one value, or of none, measures nothing; a file that is not there is told', async () => {
  const kinds = { x: 'ordered' } as const;
  const label = { name: 'y', kind: 'category' } as const;
  expect(await measure({ y: 'true', x: 'u' }, label, kinds)).toEqual({
    rows: 4000,
    sampled: false,
    label: 'constant',
    columns: [],
  });
  expect(await measure({ y: 'NULL::BOOLEAN', x: 'u' }, label, kinds)).toMatchObject({
    rows: 0,
    label: 'constant',
  });
  const missing = createDuckDbLeakageGauge(world.db).measure({
    table: { format: 'parquet', paths: ['/nowhere.parquet'] },
    label,
    columns: [],
    mostRows: 10,
  });
  await expect(missing).rejects.toMatchObject({ code: 'SOURCE_UNREADABLE' });
});
