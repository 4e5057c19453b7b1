import { expect, test } from 'vitest';
import type { ColumnProfile, TableProfile } from '../offline/table-profiler.ts';
import type { TrainingSetManifest } from './manifest.ts';
import { statisticsPage } from './statistics-page.ts';

const evil = `<script>alert("x")</script> & 'co'`;
const column = (name: string, more: Partial<ColumnProfile> = {}): ColumnProfile => ({
  name,
  type: 'VARCHAR',
  nulls: 0,
  least: null,
  greatest: null,
  numbers: null,
  top: null,
  ...more,
});
const profile: TableProfile = {
  rows: 200,
  columns: [
    column('place', {
      top: [
        { value: evil, count: 150 },
        { value: '', count: 50 },
      ],
    }),
    column(evil),
    column('temp', {
      type: 'DOUBLE',
      nulls: 50,
      least: '-1.5',
      greatest: '8.5',
      numbers: {
        mean: 2.71828999,
        quantiles: [{ share: 0.5, value: 3 }],
        notFinite: 2,
        histogram: { from: -1.5, to: 8.5, counts: [1, 0, 100, 47] },
      },
    }),
  ],
};
const manifest: TrainingSetManifest = {
  id: 'f00d'.repeat(16),
  contents: {
    project: 'demo',
    spine: { digest: 'd', timestampField: 'at', rows: 200, columns: [] },
    knownAt: 'any',
    outputs: [{ name: 'temp', view: 'weather', version: 2, feature: 'temp', type: 'float64' }],
    views: [],
    onDemand: [],
    engine: 'DuckDB',
    layout: { format: 'parquet', rowsPerFile: null, split: null },
  },
  recipe: {
    spineColumns: [],
    outputs: [],
    parts: [],
    onDemand: [],
    selection: { kind: 'references', references: [] },
  },
  data: {
    rows: 200,
    bytes: 1,
    nulls: { temp: 50 },
    files: ['train', 'test'].map((part) => ({
      path: `${part}.parquet`,
      part,
      rows: 100,
      bytes: 1,
      digest: '',
    })),
    spine: null,
  },
  createdAt: '2026-01-01T00:00:00Z',
};
const page = statisticsPage(manifest, profile);

test('a statistics page is well-formed: every tag is closed in its place', () => {
  const open: string[] = [];
  for (const [, closing, name = '', attributes = ''] of page.matchAll(/<(\/?)([a-z][a-z0-9]*)([^<>]*)>/g)) {
    if (attributes.endsWith('/')) continue;
    if (closing === '') open.push(name);
    else expect(open.pop()).toBe(name);
  }
  expect(open).toEqual([]);
  expect(page.startsWith('<!DOCTYPE html>\n<html lang="en">')).toBe(true);
});

test('a statistics page of no rows says so, and not that all have a value', () => {
  const empty = { rows: 0, columns: [column('temp', { type: 'DOUBLE' })] };
  const told = statisticsPage({ ...manifest, data: { ...manifest.data, rows: 0 } }, empty);
  expect(told).toContain('no rows</div>');
  expect(told).not.toMatch(/\d % null/);
});

test('a statistics page needs nothing beside itself, and takes no value for markup', () => {
  expect(page).not.toMatch(/<script|<link|<img|<iframe|https?:|url\(|@import|\son\w+=/i);
  expect(page).toContain('&lt;script&gt;alert(&quot;x&quot;)&lt;/script&gt; &amp; &#39;co&#39;');
  expect(page).toContain('<em>empty text</em>');
});

test('a statistics page shows features first, with null share, histogram, quantiles and common values', () => {
  expect(page.indexOf('<h3>temp')).toBeLessThan(page.indexOf('<h3>place'));
  expect(page).toContain('weather@v2:temp');
  expect(page).toContain('25.0 % null');
  expect(page).toContain('<title>3.5 to 6: 100</title>');
  expect(page).toContain('<dt>p50</dt><dd>3</dd>');
  expect(page).toContain('<dt>mean</dt><dd>2.7183</dd>');
  expect(page).toContain('<dt>not finite</dt><dd>2</dd>');
  expect(page).toContain('<td>150</td><td>75.0 %</td>');
  expect(page).toContain('train 100, test 100');
  // An empty bin has no bar.
  expect([...page.matchAll(/<rect [^>]*height="([\d.]+)"/g)].map(([, height]) => Number(height))).toEqual([
    1, 0, 90, 42.3,
  ]);
});
