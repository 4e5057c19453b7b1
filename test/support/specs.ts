import type { BatchViewSpec, OnDemandViewSpec } from '../../src/core/feature-view.ts';
import type { Manifest } from '../../src/core/manifest.ts';
import type { TrainingSetScheduleSpec } from '../../src/core/training-set-schedule.ts';
import { batchFingerprint, onDemandFingerprint } from '../../src/plan/fingerprint.ts';

const METADATA = { description: '', owner: '', tags: {} } as const;

/** A compiled aggregations view `spend@v1` on source `orders`, with other fields where a test needs them. */
export function batchSpec(fields: Partial<Omit<BatchViewSpec, 'fingerprint'>> = {}): BatchViewSpec {
  const view: Omit<BatchViewSpec, 'fingerprint'> = {
    kind: 'batch_view',
    name: 'spend',
    version: 1,
    entities: ['user'],
    joinKeys: [{ name: 'user_id', type: 'int64' }],
    sources: [
      {
        kind: 'parquet',
        name: 'orders',
        path: 'orders.parquet',
        timestampField: 'ordered_at',
        createdTimestampField: null,
        columns: [],
        ...METADATA,
      },
    ],
    transformation: {
      kind: 'aggregations',
      aggregations: [
        {
          feature: 'spend_7d',
          aggregation: {
            kind: 'simple',
            fn: 'sum',
            column: 'amount',
            window: '7d',
            where: null,
            argument: null,
          },
        },
      ],
    },
    timestampField: 'ordered_at',
    createdTimestampField: null,
    features: [{ name: 'spend_7d', type: 'float64', description: '' }],
    schedule: '0 * * * *',
    startTime: '2026-01-01T00:00:00Z',
    dataDelay: '10m',
    ttl: '7d',
    freshnessSla: '26h',
    online: true,
    paused: false,
    quality: [],
    ...METADATA,
    ...fields,
  };
  return { ...view, fingerprint: batchFingerprint(view) };
}

/** A compiled on-demand view `ratio@v1` of `spend@v1` and request data. */
export function onDemandSpec(fields: Partial<Omit<OnDemandViewSpec, 'fingerprint'>> = {}): OnDemandViewSpec {
  const view: Omit<OnDemandViewSpec, 'fingerprint'> = {
    kind: 'on_demand_view',
    name: 'ratio',
    version: 1,
    inputs: [
      { kind: 'request', name: 'request', fields: [{ name: 'amount', type: 'float64' }] },
      { kind: 'view', name: 'spend', view: 'spend', version: 1, features: batchSpec().features },
    ],
    features: [{ name: 'share', type: 'float64', description: '' }],
    ...METADATA,
    ...fields,
  };
  return { ...view, fingerprint: onDemandFingerprint(view) };
}

/** A training set of `spend@v1:spend_7d` on labels in a file, daily. */
export function trainingSetSpec(fields: Partial<TrainingSetScheduleSpec> = {}): TrainingSetScheduleSpec {
  return {
    kind: 'training_set_schedule',
    name: 'daily',
    schedule: '0 6 * * *',
    dataDelay: '0s',
    spine: { kind: 'parquet', path: 'labels.parquet', timestampField: 'seen_at' },
    features: { kind: 'references', references: ['spend@v1:spend_7d'] },
    knownAt: 'any',
    fullNames: false,
    split: null,
    format: 'parquet',
    rowsPerFile: null,
    statistics: true,
    paused: false,
    ...METADATA,
    ...fields,
  };
}

/** A manifest of project `shop` that defines these views and what they use. */
export function manifestOf(views: Manifest['views'], rest: Partial<Manifest> = {}): Manifest {
  const batch = views.filter((view) => view.kind === 'batch_view');
  const sources = new Map(batch.flatMap((view) => view.sources.map((source) => [source.name, source])));
  return {
    project: 'shop',
    entities: [{ kind: 'entity', name: 'user', joinKeys: [{ name: 'user_id', type: 'int64' }], ...METADATA }],
    sources: [...sources.values()],
    views,
    services: [],
    trainingSetSchedules: [],
    ...rest,
  };
}
