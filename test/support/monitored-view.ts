import type { BatchViewSpec } from '../../src/core/feature-view.ts';
import { type Micros, micros, timeOf } from '../../src/core/time.ts';
import type { TrainingSetScheduleSpec } from '../../src/core/training-set-schedule.ts';
import type { Coverage } from '../../src/ledger/ledger.ts';
import type { ViewCoverage } from '../../src/monitor/read-views.ts';

/** An hourly view since the start of 2026, ten minutes of delay, fresh within four hours. */
export function monitoredView(more: Partial<BatchViewSpec> = {}): BatchViewSpec {
  return {
    description: '',
    owner: 'team@example.com',
    tags: {},
    kind: 'batch_view',
    name: 'activity',
    version: 1,
    entities: [],
    joinKeys: [{ name: 'user_id', type: 'int64' }],
    sources: [],
    transformation: { kind: 'passthrough' },
    timestampField: 'at',
    createdTimestampField: null,
    features: [{ name: 'sessions', type: 'int64', description: '' }],
    schedule: '0 * * * *',
    startTime: '2026-01-01T00:00:00Z',
    dataDelay: '10m',
    ttl: null,
    freshnessSla: '4h',
    online: true,
    paused: false,
    quality: [],
    fingerprint: 'fingerprint-a',
    ...more,
  };
}

/** A training set of the last seven days, every Monday. */
export const scheduledSet: TrainingSetScheduleSpec = {
  kind: 'training_set_schedule',
  name: 'weekly',
  description: '',
  owner: '',
  tags: {},
  schedule: '0 0 * * 1',
  dataDelay: '0s',
  spine: { kind: 'last', duration: '7d', timestampField: 'at' },
  features: { kind: 'service', service: 'churn' },
  knownAt: 'any',
  fullNames: false,
  split: null,
  format: 'parquet',
  rowsPerFile: null,
  statistics: false,
  paused: false,
};

/** `01T05:30` of January 2026. */
export function january(text: string): Micros {
  return timeOf(`2026-01-${text}:00Z`);
}

export function after(time: Micros, microseconds: number): Micros {
  return micros(time + BigInt(microseconds));
}

const NOTHING: Coverage = { committed: [], running: [], held: [], approved: [], failed: [] };

/** The view, committed from its start to `committedTo`. */
export function coveredTo(
  committedTo: Micros | null,
  more: Partial<Coverage> = {},
  view: BatchViewSpec = monitoredView(),
  serving = true,
): ViewCoverage {
  const committed = committedTo === null ? [] : [{ start: timeOf(view.startTime), end: committedTo }];
  return { view, serving, coverage: { ...NOTHING, committed, ...more } };
}
