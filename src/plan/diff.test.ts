import { describe, expect, test } from 'vitest';
import { batchSpec, manifestOf, onDemandSpec, trainingSetSpec } from '../../test/support/specs.ts';
import type { SimpleAggregation } from '../core/aggregation.ts';
import { type BatchViewSpec, formatViewVersion, type Transformation } from '../core/feature-view.ts';
import { emptyManifest, type Manifest } from '../core/manifest.ts';
import type { FileSourceSpec } from '../core/source.ts';
import { diffManifests } from './diff.ts';

const SUM: SimpleAggregation = {
  kind: 'simple',
  fn: 'sum',
  column: 'amount',
  window: '7d',
  where: null,
  argument: null,
};

const aggregated = (...aggregations: readonly (readonly [string, SimpleAggregation])[]): Transformation => ({
  kind: 'aggregations',
  aggregations: aggregations.map(([feature, aggregation]) => ({ feature, aggregation })),
});

const sql = (
  query: string,
  queryDigest: string,
  intervalsPerQuery: number | null = null,
): Transformation => ({
  kind: 'sql',
  query,
  queryDigest,
  intervalsPerQuery,
});

const feature = (name: string, type: 'float64' | 'int64') => ({ name, type, description: '' });
const [source] = batchSpec().sources;
if (source === undefined) throw new Error('The fixture has a source');

type Fields = Partial<Omit<BatchViewSpec, 'fingerprint'>>;
type Case = readonly [
  what: string,
  severity: string,
  before: Fields,
  after: Fields,
  fields: readonly string[],
];

const CASES: readonly Case[] = [
  ['description', 'metadata', {}, { description: 'x' }, ['description']],
  ['owner', 'metadata', { owner: 'a@example.com' }, { owner: 'b@example.com' }, ['owner']],
  ['tags', 'metadata', { tags: { team: 'a' } }, { tags: { tier: 'b' } }, ['tags.tier', 'tags.team']],
  ['the name of its entity', 'metadata', {}, { entities: ['person'] }, ['entities']],
  ['the freshness SLA', 'metadata', {}, { freshnessSla: '2h' }, ['freshnessSla']],
  ['a ttl written otherwise', 'metadata', { ttl: '7d' }, { ttl: '168h' }, ['ttl']],
  [
    'a window written otherwise',
    'metadata',
    {},
    { transformation: aggregated(['spend_7d', { ...SUM, window: '168h' }]) },
    ['aggregations.spend_7d'],
  ],
  [
    'a query formatted otherwise',
    'metadata',
    { transformation: sql('a', 'same') },
    { transformation: sql('A', 'same') },
    ['sql'],
  ],
  ['the ttl', 'additive', {}, { ttl: '14d' }, ['ttl']],
  ['no ttl', 'additive', {}, { ttl: null }, ['ttl']],
  ['the start time', 'additive', {}, { startTime: '2025-01-01T00:00:00Z' }, ['startTime']],
  ['online', 'additive', {}, { online: false }, ['online']],
  ['quality rules', 'additive', {}, { quality: [{ kind: 'minRows', rows: 1 }] }, ['quality.0']],
  ['the schedule', 'breaking', {}, { schedule: '5 * * * *' }, ['schedule']],
  ['the data delay', 'breaking', {}, { dataDelay: '20m' }, ['dataDelay']],
  ['join keys', 'breaking', {}, { joinKeys: [{ name: 'user_id', type: 'string' }] }, ['joinKeys']],
  [
    'a window',
    'breaking',
    {},
    { transformation: aggregated(['spend_7d', { ...SUM, window: '8d' }]) },
    ['aggregations.spend_7d'],
  ],
  [
    'a condition',
    'breaking',
    {},
    { transformation: aggregated(['spend_7d', { ...SUM, where: 'paid' }]) },
    ['aggregations.spend_7d'],
  ],
  [
    'an aggregated column',
    'breaking',
    {},
    { transformation: aggregated(['spend_7d', { ...SUM, column: 'price' }]) },
    ['aggregations.spend_7d'],
  ],
  [
    'the type of a feature',
    'breaking',
    {},
    { features: [feature('spend_7d', 'int64')] },
    ['features.spend_7d.type'],
  ],
  [
    'another feature',
    'breaking',
    {},
    {
      transformation: aggregated(['n', { ...SUM, fn: 'count', column: null }], ['spend_7d', SUM]),
      features: [feature('n', 'int64'), feature('spend_7d', 'float64')],
    },
    ['aggregations.n', 'features.n.type'],
  ],
  [
    'a feature less',
    'breaking',
    { features: [feature('n', 'int64'), feature('spend_7d', 'float64')] },
    {},
    ['features.n.type'],
  ],
  [
    'the query',
    'breaking',
    { transformation: sql('a', 'one') },
    { transformation: sql('b', 'other') },
    ['sql'],
  ],
  [
    'intervals per query',
    'breaking',
    { transformation: sql('a', 'same') },
    { transformation: sql('a', 'same', 1) },
    ['intervalsPerQuery'],
  ],
  [
    'its form',
    'breaking',
    {},
    { transformation: { kind: 'passthrough' } },
    ['transformation', 'aggregations.spend_7d'],
  ],
  ['the timestamp field', 'breaking', {}, { timestampField: 'paid_at' }, ['timestampField']],
  [
    'the created timestamp field',
    'breaking',
    {},
    { createdTimestampField: 'created' },
    ['createdTimestampField'],
  ],
  [
    'an end of validity',
    'breaking',
    {},
    { validTo: 'until', sources: [{ ...source, validTo: 'until' }] },
    ['sources.orders.validTo', 'validTo'],
  ],
  [
    'another source',
    'breaking',
    {},
    { sources: [{ ...source, name: 'payments' }] },
    [
      'sources.payments.kind',
      'sources.payments.timestampField',
      'sources.orders.kind',
      'sources.orders.timestampField',
    ],
  ],
];

describe('a change of a batch view is what it does to readers, and its fingerprint agrees', () => {
  test.each(CASES)('%s is %s', (_what, severity, before, after, fields) => {
    const [old, next] = [batchSpec(before), batchSpec(after)];
    const change = diffManifests(manifestOf([old]), manifestOf([next])).find(
      ({ kind }) => kind === 'batch_view',
    );
    expect(change).toMatchObject({ object: 'spend@v1', change: 'changed', severity });
    expect(change?.fields.map(({ field }) => field)).toEqual(fields);
    expect(old.fingerprint !== next.fingerprint).toBe(severity === 'breaking');
  });

  test('where a source lies changes the source, not the views on it', () => {
    const next = batchSpec({ sources: [{ ...(source as FileSourceSpec), path: 'elsewhere/*.parquet' }] });
    expect(diffManifests(manifestOf([batchSpec()]), manifestOf([next]))).toEqual([
      {
        kind: 'source',
        object: 'orders',
        change: 'changed',
        severity: 'additive',
        fields: [{ field: 'path', from: 'orders.parquet', to: 'elsewhere/*.parquet' }],
      },
    ]);
    expect(next.fingerprint).toBe(batchSpec().fingerprint);
  });
});

test('a feature more of an on-demand view is additive, a feature less or another request field breaks', () => {
  const severity = (fields: Parameters<typeof onDemandSpec>[0]) =>
    diffManifests(manifestOf([onDemandSpec()]), manifestOf([onDemandSpec(fields)]))[0]?.severity;
  expect(severity({ features: [feature('more', 'int64'), feature('share', 'float64')] })).toBe('additive');
  expect(severity({ features: [feature('other', 'float64')] })).toBe('breaking');
  expect(severity({ inputs: [] })).toBe('breaking');
});

test('the function of an on-demand view breaks when it changes, and one that was never noted has not changed', () => {
  const diff = (before: Parameters<typeof onDemandSpec>[0], after: typeof before) =>
    diffManifests(manifestOf([onDemandSpec(before)]), manifestOf([onDemandSpec(after)]));
  expect(diff({ functionDigest: 'aaaaaaaaaa' }, { functionDigest: 'bbbbbbbbbb' })).toMatchObject([
    {
      object: 'ratio@v1',
      severity: 'breaking',
      fields: [{ field: 'transform', from: 'code aaaaaaaa', to: 'code bbbbbbbb' }],
    },
  ]);
  expect(diff({}, { functionDigest: 'aaaaaaaaaa' })).toEqual([]);
  expect(diff({ functionDigest: 'aaaaaaaaaa' }, {})).toEqual([]);
  expect(onDemandSpec({ functionDigest: 'a' }).fingerprint).toBe(onDemandSpec().fingerprint);
});

test('a service gains features additively and loses them with a break', () => {
  const service = (...features: string[]): Partial<Manifest> => ({
    services: [
      {
        kind: 'feature_service',
        name: 'model',
        members: [{ view: 'spend', version: 1, features }],
        description: '',
        owner: '',
        tags: {},
      },
    ],
  });
  const severity = (before: string[], after: string[]) =>
    diffManifests(manifestOf([], service(...before)), manifestOf([], service(...after)))[0]?.severity;
  expect(severity(['a'], ['a', 'b'])).toBe('additive');
  expect(severity(['a', 'b'], ['a'])).toBe('breaking');
});

test('what a scheduled training set reads under aliases may change, and is told by view and prefix', () => {
  const set = (fields: Parameters<typeof trainingSetSpec>[0]) =>
    manifestOf([], { trainingSetSchedules: [trainingSetSpec(fields)] });
  const own = { view: 'spend', prefix: 'own_', keys: {} };
  const friend = (column: string) => ({ view: 'spend', prefix: 'friend_', keys: { user_id: column } });
  const diff = (before: Parameters<typeof trainingSetSpec>[0], after: typeof before) =>
    diffManifests(set(before), set(after)).map(({ severity, fields }) => ({ severity, fields }));
  expect(diff({}, { aliases: [own] })).toEqual([
    { severity: 'additive', fields: [{ field: 'aliases.spend.own_', from: null, to: 'its own keys' }] },
  ]);
  expect(diff({ aliases: [own, friend('friend')] }, { aliases: [own, friend('ally')] })).toEqual([
    {
      severity: 'additive',
      fields: [{ field: 'aliases.spend.friend_', from: 'user_id=friend', to: 'user_id=ally' }],
    },
  ]);
  expect(diff({ aliases: [own] }, { aliases: [own] })).toEqual([]);
});

test('objects are added and removed by kind, then name, versions of a view each for itself', () => {
  const manifest = manifestOf([
    batchSpec(),
    batchSpec({ version: 2, schedule: '5 * * * *' }),
    onDemandSpec(),
  ]);
  const objects = ['user', 'orders', 'spend@v1', 'spend@v2', 'ratio@v1'];
  const added = diffManifests(emptyManifest('shop'), manifest);
  expect(added.map(({ object }) => object)).toEqual(objects);
  expect(new Set(added.map(({ change }) => change))).toEqual(new Set(['added']));
  const removed = diffManifests(manifest, emptyManifest('shop'));
  expect(removed.map(({ object, severity }) => [object, severity])).toEqual(
    objects.map((object) => [object, object.includes('@') ? 'breaking' : 'metadata']),
  );
  expect(diffManifests(manifest, structuredClone(manifest))).toEqual([]);
  expect(formatViewVersion({ view: 'spend', version: 1 })).toBe(objects[2]);
});
