import type { BatchViewSpec, FeatureSpec, OnDemandViewSpec } from '../../src/core/feature-view.ts';
import type { Manifest } from '../../src/core/manifest.ts';
import type { OnDemandFunctions, OnDemandTransform } from '../../src/core/on-demand.ts';
import type { FeatureRow } from '../../src/core/rows.ts';
import { type Micros, timeOf } from '../../src/core/time.ts';
import type { KeyValue, Value, ValueType } from '../../src/core/value-type.ts';
import type { OnlineStore } from '../../src/online/online-store.ts';
import { onlineTableOf } from '../../src/online/online-table.ts';
import type { Registry } from '../../src/registry/registry.ts';
import type { RegistrySnapshot } from '../../src/serving/registry-watch.ts';

/** A small applied project, for tests of serving: two entities, versions, TTLs, every type, on-demand views. */
const about = { description: '', owner: 'team@example.com', tags: {} };

function features(types: Readonly<Record<string, ValueType>>): readonly FeatureSpec[] {
  return Object.entries(types).map(([name, type]) => ({ name, type, description: '' }));
}

function batchView(
  view: Pick<BatchViewSpec, 'name' | 'joinKeys' | 'features'> & Partial<BatchViewSpec>,
): BatchViewSpec {
  return {
    ...about,
    kind: 'batch_view',
    version: 1,
    entities: [],
    sources: [],
    transformation: { kind: 'passthrough' },
    timestampField: 'at',
    createdTimestampField: null,
    schedule: '0 * * * *',
    startTime: '2026-01-01T00:00:00Z',
    dataDelay: '0s',
    ttl: null,
    freshnessSla: null,
    online: true,
    paused: false,
    quality: [],
    fingerprint: `${view.name}-${view.version ?? 1}`,
    ...view,
  };
}

const userKey = [{ name: 'user_id', type: 'int64' }] as const;
const routeKey = [
  { name: 'origin', type: 'string' },
  { name: 'dest', type: 'string' },
] as const;

export const activity = batchView({
  name: 'activity',
  joinKeys: userKey,
  ttl: '7d',
  features: features({ sessions: 'int64', spend: 'float64', model: 'string' }),
});
export const activityV2 = batchView({
  name: 'activity',
  version: 2,
  joinKeys: userKey,
  ttl: '7d',
  features: features({ sessions: 'int64' }),
});
export const everything = batchView({
  name: 'everything',
  joinKeys: userKey,
  features: features({
    flag: 'bool',
    small: 'int32',
    big: 'int64',
    real: 'float64',
    text: 'string',
    blob: 'bytes',
    at: 'timestamp',
    day: 'date',
    doc: 'json',
    tags: 'array<string>',
    embedding: 'vector(2)',
  }),
});
export const routes = batchView({
  name: 'routes',
  joinKeys: routeKey,
  features: features({ avg_delay: 'float64' }),
});
export const airports = batchView({
  name: 'airports',
  joinKeys: [{ name: 'airport', type: 'string' }],
  features: features({ altitude: 'int32' }),
});
const hidden = batchView({
  name: 'hidden',
  joinKeys: userKey,
  online: false,
  paused: false,
  features: features({ secret: 'int64' }),
});

function onDemandView(name: string, types: Readonly<Record<string, ValueType>>): OnDemandViewSpec {
  return {
    ...about,
    kind: 'on_demand_view',
    name,
    version: 1,
    inputs: [
      {
        kind: 'view',
        name: 'activity',
        view: 'activity',
        version: 1,
        features: activity.features.filter((feature) => feature.name === 'spend'),
      },
      { kind: 'request', name: 'request', fields: [{ name: 'amount', type: 'float64' }] },
    ],
    features: features(types),
    fingerprint: name,
  };
}

export const functions: OnDemandFunctions = new Map<string, OnDemandTransform>([
  [
    'ratio@v1',
    ({ activity, request }) => {
      const spend = activity?.spend;
      return { ratio: typeof spend === 'number' ? Number(request?.amount) / spend : null };
    },
  ],
  [
    'fragile@v1',
    ({ request }) => {
      if (request?.amount === 13) throw new Error('unlucky');
      return { luck: true };
    },
  ],
]);

export function servingManifest(project: string): Manifest {
  return {
    project,
    entities: [
      { ...about, kind: 'entity', name: 'user', joinKeys: userKey },
      { ...about, kind: 'entity', name: 'route', joinKeys: routeKey },
      { ...about, kind: 'entity', name: 'airport', joinKeys: [{ name: 'airport', type: 'string' }] },
    ],
    sources: [],
    views: [
      activity,
      activityV2,
      airports,
      everything,
      onDemandView('fragile', { luck: 'bool' }),
      hidden,
      onDemandView('ratio', { ratio: 'float64' }),
      routes,
    ],
    services: [
      {
        ...about,
        kind: 'feature_service',
        name: 'churn_model',
        members: [
          { view: 'activity', version: 1, features: ['spend', 'sessions'] },
          { view: 'ratio', version: 1, features: ['ratio'] },
        ],
      },
    ],
    trainingSetSchedules: [],
  };
}

export function servingSnapshot(project: string): RegistrySnapshot {
  return {
    manifest: servingManifest(project),
    revision: 1,
    servingVersions: new Map([
      ['activity', 1],
      ['everything', 1],
      ['routes', 1],
      ['airports', 1],
      ['hidden', 1],
    ]),
  };
}

/** What serving asks of a registry, with one applied project. */
export function servingRegistry(project: string): Pick<Registry, 'load' | 'servingVersions'> {
  const { manifest, revision, servingVersions } = servingSnapshot(project);
  return {
    load: async (name) =>
      name === project ? { manifest, revision, appliedAt: timeOf('2026-01-01T00:00:00Z') } : undefined,
    servingVersions: async () => servingVersions,
  };
}

/** The present of these tests. */
export const NOW: Micros = timeOf('2026-02-01T12:00:00Z');
/** An event time within every TTL, with microseconds. */
export const RECENT: Micros = timeOf('2026-02-01T06:00:00.000001Z');

export async function putOnline(
  online: OnlineStore,
  project: string,
  view: BatchViewSpec,
  rows: readonly {
    readonly key: readonly KeyValue[];
    readonly values: readonly Value[];
    readonly at?: Micros;
  }[],
): Promise<void> {
  await online.write(
    onlineTableOf(project, view),
    rows.map(
      ({ key, values, at = RECENT }): FeatureRow => ({
        key,
        values,
        eventTime: at,
        createdTime: at,
        revision: 0,
      }),
    ),
  );
}
