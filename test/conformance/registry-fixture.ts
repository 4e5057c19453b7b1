import type { EntitySpec } from '../../src/core/entity.ts';
import type { FeatureServiceSpec } from '../../src/core/feature-service.ts';
import type { BatchViewSpec, OnDemandViewSpec } from '../../src/core/feature-view.ts';
import { emptyManifest, type Manifest } from '../../src/core/manifest.ts';
import type { FileSourceSpec } from '../../src/core/source.ts';
import { timeOf } from '../../src/core/time.ts';
import type { ApplyRequest } from '../../src/registry/registry.ts';

export const NOW = timeOf('2026-06-01T12:00:00.000001Z');

const METADATA = {
  description: 'Für Tests: "quotes", \\ and 絵',
  owner: 'growth@example.com',
  tags: { b: '2', a: '1' },
};

export const user: EntitySpec = {
  kind: 'entity',
  name: 'user',
  joinKeys: [{ name: 'user_id', type: 'int64' }],
  ...METADATA,
};

export const events: FileSourceSpec = {
  kind: 'parquet',
  name: 'events',
  path: 'data/events/*.parquet',
  timestampField: 'event_timestamp',
  createdTimestampField: null,
  columns: [],
  ...METADATA,
};

export function batchView(name: string, version = 1, more: Partial<BatchViewSpec> = {}): BatchViewSpec {
  return {
    kind: 'batch_view',
    name,
    version,
    entities: ['user'],
    joinKeys: user.joinKeys,
    sources: [events],
    transformation: { kind: 'passthrough' },
    timestampField: 'event_timestamp',
    createdTimestampField: null,
    features: [{ name: 'sessions', type: 'int64', description: '' }],
    schedule: '0 * * * *',
    startTime: '2026-01-01T00:00:00Z',
    dataDelay: '10m',
    ttl: '7d',
    freshnessSla: null,
    online: true,
    paused: false,
    quality: [{ kind: 'maxNullShare', feature: 'sessions', share: 0.1 }],
    fingerprint: `${name}-${version}`,
    ...METADATA,
    ...more,
  };
}

export function onDemandView(name: string, reads: BatchViewSpec): OnDemandViewSpec {
  return {
    kind: 'on_demand_view',
    name,
    version: 1,
    inputs: [
      { kind: 'view', name: 'activity', view: reads.name, version: reads.version, features: reads.features },
      { kind: 'request', name: 'request', fields: [{ name: 'amount', type: 'float64' }] },
    ],
    features: [{ name: 'ratio', type: 'float64', description: '' }],
    fingerprint: `${name}-1`,
    ...METADATA,
  };
}

export function service(
  name: string,
  ...members: readonly { name: string; version: number }[]
): FeatureServiceSpec {
  return {
    kind: 'feature_service',
    name,
    members: members.map((view) => ({ view: view.name, version: view.version, features: ['sessions'] })),
    ...METADATA,
  };
}

export function manifestOf(project: string, parts: Partial<Manifest>): Manifest {
  return { ...emptyManifest(project), ...parts };
}

export function applyRequest(
  manifest: Manifest,
  baseRevision: number,
  more: Partial<ApplyRequest> = {},
): ApplyRequest {
  return { manifest, baseRevision, by: 'ann@example.com', commit: 'c0ffee', now: NOW, ...more };
}
