import type { BatchViewSpec, FeatureSpec } from '../src/core/feature-view.ts';
import type { FeatureRow } from '../src/core/rows.ts';
import { type Micros, micros } from '../src/core/time.ts';
import type { ValueType } from '../src/core/value-type.ts';
import type { WatchOptions } from '../src/serving/registry-watch.ts';
import type { Size, World } from './benchmark.ts';

/** Applied views of six features each, without a source: what is read online need not have been computed. */
const FEATURES: readonly (readonly [string, ValueType])[] = [
  ['sessions', 'int64'],
  ['items', 'int32'],
  ['spend', 'float64'],
  ['average', 'float64'],
  ['country', 'string'],
  ['active', 'bool'],
];
const ABOUT = { description: '', owner: 'bench@example.com', tags: {} };

const view = (name: string): BatchViewSpec => ({
  ...ABOUT,
  kind: 'batch_view',
  name,
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
  fingerprint: name,
});

export const PROFILE: BatchViewSpec = view('profile');
/** Of the same entity and with the same features, for requests that read several views. */
export const PROFILES: readonly BatchViewSpec[] = [PROFILE, view('profile_b'), view('profile_c')];

const ENTITIES: Readonly<Record<Size, number>> = { tiny: 1_000, default: 100_000, large: 2_000_000 };
/** How many entities have a profile: the ids from 0 to this. */
export const entitiesOf = ({ size, entities = ENTITIES[size] }: World) => entities;

export const REFERENCES = FEATURES.map(([name]) => `profile:${name}`);

/** Deterministic but for its time, an hour before `now`. */
export function profileRow(id: number, now: Micros): FeatureRow {
  const eventTime = micros(now - 3_600_000_000n);
  return {
    key: [BigInt(id)],
    values: [
      BigInt(id % 90),
      id % 300,
      (id * 37) / 100,
      id % 5 === 0 ? null : id / 7,
      ['de', 'fr', 'us', 'jp'][id % 4] ?? null,
      id % 2 === 0,
    ],
    eventTime,
    createdTime: eventTime,
    revision: 0,
  };
}

/** What serving asks of a registry, with the views applied. */
export function profileRegistry(project: string, appliedAt: Micros): WatchOptions['registry'] {
  const user = { ...ABOUT, kind: 'entity' as const, name: 'user', joinKeys: PROFILE.joinKeys };
  const manifest = {
    project,
    entities: [user],
    sources: [],
    views: PROFILES,
    services: [],
    trainingSetSchedules: [],
  };
  return {
    load: async () => ({ manifest, revision: 1, appliedAt }),
    servingVersions: async () => new Map(PROFILES.map(({ name, version }) => [name, version])),
  };
}
