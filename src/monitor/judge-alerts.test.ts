import { expect, test } from 'vitest';
import { january } from '../../test/support/monitored-view.ts';
import { durationOf } from '../core/time.ts';
import type { Finding } from './finding.ts';
import { judgeAlerts, type OpenAlert } from './judge-alerts.ts';

const finding: Finding = {
  identity: 'freshness/shop/activity@v1',
  kind: 'freshness_breached',
  project: 'shop',
  view: 'activity',
  version: 1,
  severity: 'critical',
  summary: 'activity@v1 is old.',
  details: {},
};

function look(time: string, ...findings: readonly Finding[]) {
  return { project: 'shop', findings, sinks: ['log'], repeatEvery: durationOf('4h'), now: january(time) };
}

test('an alert opens at the first look that finds it, keeps its opening, and resolves at the first that does not', () => {
  const first = judgeAlerts([], look('01T01:00', finding));
  expect(first.changes.map(({ state }) => state)).toEqual(['opened']);
  const second = judgeAlerts(first.open, look('01T02:00', { ...finding, summary: 'It is older.' }));
  expect(second.changes).toEqual([]);
  expect(second.open).toEqual([
    expect.objectContaining({
      summary: 'It is older.',
      openedAt: january('01T01:00'),
      lastSeenAt: january('01T02:00'),
    }),
  ]);
  const third = judgeAlerts(second.open, look('01T03:00'));
  expect(third.open).toEqual([]);
  expect(third.changes).toEqual([
    { state: 'resolved', alert: expect.objectContaining({ resolvedAt: january('01T03:00') }) },
  ]);
});

test('an open alert is told again when the repeat interval has passed since it was last told', () => {
  let open: readonly OpenAlert[] = [];
  const told: string[] = [];
  for (let hour = 0; hour < 24; hour++) {
    const time = `01T${String(hour).padStart(2, '0')}:00`;
    const result = judgeAlerts(open, look(time, finding));
    open = result.open;
    told.push(...result.changes.map(({ state }) => `${hour} ${state}`));
  }
  expect(told).toEqual(['0 opened', '4 repeated', '8 repeated', '12 repeated', '16 repeated', '20 repeated']);
});

test('one identity found twice in a look is one alert', () => {
  expect(judgeAlerts([], look('01T01:00', finding, finding)).changes).toHaveLength(1);
});
