import { describe, expect, test } from 'vitest';
import type { BatchViewSpec, FeatureSpec, OnDemandViewSpec } from './feature-view.ts';
import type { Manifest } from './manifest.ts';
import { joinKeysOf, type ResolveOptions, resolveFeatures } from './resolve-features.ts';

const about = { description: '', owner: '', tags: {} };
const features = (...names: string[]): FeatureSpec[] =>
  names.map((name) => ({ name, type: 'float64', description: '' }));

function batch(name: string, version: number, key: string, ...names: string[]): BatchViewSpec {
  return {
    ...about,
    kind: 'batch_view',
    name,
    version,
    entities: [key],
    joinKeys: [{ name: key, type: 'string' }],
    sources: [],
    transformation: { kind: 'passthrough' },
    timestampField: 'at',
    createdTimestampField: null,
    features: features(...names),
    schedule: '0 * * * *',
    startTime: '2026-01-01T00:00:00Z',
    dataDelay: '0s',
    ttl: null,
    freshnessSla: null,
    online: true,
    paused: false,
    quality: [],
    fingerprint: `${name}${version}`,
  };
}

const ratio: OnDemandViewSpec = {
  ...about,
  kind: 'on_demand_view',
  name: 'ratio',
  version: 1,
  inputs: [
    { kind: 'view', name: 'w', view: 'weather', version: 1, features: features('temp', 'wind') },
    { kind: 'request', name: 'request', fields: [{ name: 'hour', type: 'int32' }] },
  ],
  features: features('per_hour', 'other'),
  fingerprint: 'r',
};

const manifest: Manifest = {
  project: 'demo',
  entities: [],
  sources: [],
  views: [
    batch('weather', 1, 'airport', 'temp', 'wind'),
    batch('weather', 2, 'airport', 'temp', 'wind', 'rain'),
    batch('plane', 1, 'tailnum', 'flights', 'temp', 'airport'),
    ratio,
  ],
  services: [
    {
      ...about,
      kind: 'feature_service',
      name: 'delays',
      members: [
        { view: 'plane', version: 1, features: ['flights'] },
        { view: 'ratio', version: 1, features: ['per_hour'] },
        { view: 'weather', version: 1, features: ['wind'] },
      ],
    },
  ],
  trainingSetSchedules: [],
};

const plain: ResolveOptions = { servingVersions: new Map([['weather', 2]]), fullNames: false };
const refs = (references: readonly string[], options: Partial<ResolveOptions> = {}) =>
  resolveFeatures(manifest, { kind: 'references', references }, { ...plain, ...options });
const names = (resolved: ReturnType<typeof refs>) => resolved.outputs.map(({ name }) => name);

describe('resolving features', () => {
  test('reads the serving version unless one is pinned', () => {
    expect(refs(['weather:rain']).outputs[0]).toMatchObject({ version: 2, name: 'rain' });
    expect(refs(['weather@v1:wind']).outputs[0]).toMatchObject({ version: 1 });
  });

  test('keeps the order of the request, and asks each view once', () => {
    const resolved = refs(['weather:wind', 'plane:flights', 'weather:*']);
    expect(names(resolved)).toEqual(['wind', 'flights', 'temp', 'rain']);
    expect(resolved.parts.map(({ view, features: asked }) => [view.name, asked.map((f) => f.name)])).toEqual([
      ['weather', ['wind', 'temp', 'rain']],
      ['plane', ['flights']],
    ]);
    expect(resolved.outputs[3]?.from).toEqual({ kind: 'part', part: 0, feature: 2 });
  });

  test('resolves a service with what its on-demand views need', () => {
    const resolved = resolveFeatures(manifest, { kind: 'service', service: 'delays' }, plain);
    expect(names(resolved)).toEqual(['flights', 'per_hour', 'wind']);
    expect(resolved.parts[1]?.features.map((f) => f.name)).toEqual(['temp', 'wind']);
    expect(resolved.outputs[2]?.from).toEqual({ kind: 'part', part: 1, feature: 1 });
    expect(resolved.onDemand[0]?.inputs).toEqual([
      {
        kind: 'view',
        input: 'w',
        features: [
          { name: 'temp', slot: { part: 1, feature: 0 } },
          { name: 'wind', slot: { part: 1, feature: 1 } },
        ],
      },
      { kind: 'request', input: 'request', fields: [{ name: 'hour', type: 'int32' }] },
    ]);
    expect(resolved.requestFields).toEqual([{ name: 'hour', type: 'int32' }]);
    expect(joinKeysOf(resolved).map(({ name }) => name)).toEqual(['tailnum', 'airport']);
  });

  test('writes full names, with the version only where two of a view meet', () => {
    expect(names(refs(['weather:temp', 'plane:temp'], { fullNames: true }))).toEqual([
      'weather__temp',
      'plane__temp',
    ]);
    expect(names(refs(['weather@v1:temp', 'weather@v2:temp'], { fullNames: true }))).toEqual([
      'weather@v1__temp',
      'weather@v2__temp',
    ]);
  });

  test('reads a view once per alias, and an on-demand input by its own keys', () => {
    const aliases = [
      { view: 'weather', prefix: 'origin_', keys: { airport: 'origin' } },
      { view: 'weather', prefix: 'dest_', keys: { airport: 'dest' } },
    ];
    const resolved = refs(['weather@v1:temp', 'ratio:per_hour'], { aliases });
    expect(names(resolved)).toEqual(['origin_temp', 'dest_temp', 'per_hour']);
    expect(resolved.parts.map(({ alias }) => alias?.prefix ?? null)).toEqual(['origin_', 'dest_', null]);
  });

  test.each([
    [['wether:temp'], 'UNKNOWN_VIEW', 'Did you mean "weather"?'],
    [['weather:tmp'], 'UNKNOWN_FEATURE', 'Did you mean "temp"?'],
    [
      ['weather@v3:temp'],
      'UNKNOWN_VIEW',
      'Cannot read view "weather" at version 3 (weather@v3:temp): the registry has versions 1 and 2.',
    ],
    [['weather'], 'REQUEST_INVALID', 'Cannot read "weather" as a feature reference'],
    [[], 'REQUEST_INVALID', 'No feature is asked for.'],
    [
      ['weather:temp', 'plane:temp'],
      'REQUEST_INVALID',
      'feature "temp" of weather@v2 and feature "temp" of plane@v1',
    ],
    [
      ['weather:temp', 'plane:airport'],
      'REQUEST_INVALID',
      'the join key "airport" and feature "airport" of plane@v1',
    ],
  ])('refuses %j with %s', (references, code, text) => {
    expect(() => refs(references)).toThrow(
      expect.objectContaining({ code, message: expect.stringContaining(text) }),
    );
  });

  test('names every reference that is wrong', () => {
    expect(() => refs(['nothing_like_it:x', 'weather:tmp'])).toThrow(
      expect.objectContaining({
        code: 'UNKNOWN_VIEW',
        problems: [expect.anything(), expect.anything()],
      }),
    );
  });

  test('refuses an unknown service, and an alias of what is not read', () => {
    expect(() => resolveFeatures(manifest, { kind: 'service', service: 'delay' }, plain)).toThrow(
      'Did you mean "delays"?',
    );
    expect(() => refs(['plane:flights'], { aliases: [{ view: 'weather', prefix: 'o_', keys: {} }] })).toThrow(
      'no feature of a batch view of that name',
    );
    expect(() =>
      refs(['weather:temp'], { aliases: [{ view: 'weather', prefix: 'o_', keys: { place: 'x' } }] }),
    ).toThrow('its join keys are "airport"');
    const wrong = [
      { view: 'wether', prefix: 'o_', keys: {} },
      { view: 'weather', prefix: 'd_', keys: { airprt: 'x' } },
    ];
    expect(() => refs(['weather:temp'], { aliases: wrong })).toThrow(
      expect.objectContaining({
        code: 'REQUEST_INVALID',
        problems: [
          {
            where: 'alias "o_" of view "wether"',
            message: expect.stringContaining('Did you mean "weather"?'),
          },
          {
            where: 'alias "d_" of view "weather"',
            message: expect.stringContaining('Did you mean "airport"?'),
          },
        ],
      }),
    );
  });
});
