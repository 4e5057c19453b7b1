import type { BatchViewSpec, FeatureSpec } from '../src/core/feature-view.ts';
import type { FeatureRow } from '../src/core/rows.ts';
import { type Micros, micros } from '../src/core/time.ts';
import type { ValueType } from '../src/core/value-type.ts';
import type { WatchOptions } from '../src/serving/registry-watch.ts';

/** An applied view of ten features, without a source: what is read online need not have been computed. */
const FEATURES: readonly (readonly [string, ValueType])[] = [
  ['sessions', 'int64'],
  ['orders', 'int64'],
  ['items', 'int32'],
  ['spend', 'float64'],
  ['average', 'float64'],
  ['deviation', 'float64'],
  ['share', 'float64'],
  ['country', 'string'],
  ['favourite', 'string'],
  ['active', 'bool'],
];
const ABOUT = { description: '', owner: 'bench@example.com', tags: {} };

export const PROFILE: BatchViewSpec = {
  ...ABOUT,
  kind: 'batch_view',
  name: 'profile',
  version: 1,
  entities: ['user'],
  joinKeys: [{ name: 'user_id', type: 'int64' }],
  sources: [],
  transformation: { kind: 'passthrough' },
  timestampField: 'happened_at',
  createdTimestampField: null,
  features: FEATURES.map(([name, type]): FeatureSpec => ({ name, type, description: '' })),
  schedule: '0 * * * *',
  startTime: '2026-01-01T00:00:00Z',
  dataDelay: '0s',
  ttl: '7d',
  freshnessSla: null,
  online: true,
  paused: false,
  quality: [],
  fingerprint: 'bench',
};

export const REFERENCES = FEATURES.map(([name]) => `profile:${name}`);

/** Deterministic but for its time, an hour before `now`. */
export function profileRow(id: number, now: Micros): FeatureRow {
  const eventTime = micros(now - 3_600_000_000n);
  return {
    key: [BigInt(id)],
    values: [
      BigInt(id % 90),
      BigInt((id * 7) % 5_000),
      id % 300,
      (id * 37) / 100,
      id / 3,
      id % 5 === 0 ? null : id / 7,
      (id % 100) / 100,
      ['de', 'fr', 'us', 'jp'][id % 4] ?? null,
      `shop ${id % 500}`,
      id % 2 === 0,
    ],
    eventTime,
    createdTime: eventTime,
    revision: 0,
  };
}

/** What serving asks of a registry, with the one view applied. */
export function profileRegistry(project: string, appliedAt: Micros): WatchOptions['registry'] {
  const user = { ...ABOUT, kind: 'entity' as const, name: 'user', joinKeys: PROFILE.joinKeys };
  const manifest = { project, entities: [user], sources: [], views: [PROFILE], services: [], trainingSetSchedules: [] };
  return {
    load: async () => ({ manifest, revision: 1, appliedAt }),
    servingVersions: async () => new Map([[PROFILE.name, PROFILE.version]]),
  };
}
