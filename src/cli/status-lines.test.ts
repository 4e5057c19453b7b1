import { expect, test } from 'vitest';
import type { ViewStatus } from '../monitor/view-status.ts';
import { statusLines } from './status-lines.ts';

const VIEW: ViewStatus = {
  ...{ view: 'orders@v1', serving: true, watermark: '2026-01-01T00:00:00Z', freshness: 'breached' },
  ...{ ageSeconds: 7200, slaSeconds: 3600, breachesAt: '2026-01-01T01:00:00Z' },
  ...{ nextTick: '2026-01-01T03:00:00Z', nextRunAt: '2026-01-01T03:10:00Z' },
  ...{ missingIntervals: 2, runningIntervals: 0, heldIntervals: 0, failedIntervals: 1 },
};

function cells(view: ViewStatus): readonly string[] {
  const [, row = ''] = statusLines({ views: [view], trainingSets: [], unreadable: [], alerts: [] });
  return row.split(/ {2,}/);
}

test('a view stands beside its SLA, and for nothing where nobody promised anything', () => {
  expect(cells(VIEW).slice(3, 9)).toEqual(['2h', '1h', 'breached', '2', '0', '1']);
  expect(cells({ ...VIEW, slaSeconds: null, freshness: 'unknown' }).slice(3, 6)).toEqual(['2h', '-', '-']);
});
