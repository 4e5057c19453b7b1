import { expect, test } from 'vitest';
import { coveredTo, january, monitoredView } from '../../test/support/monitored-view.ts';
import { viewStatus } from './view-status.ts';

test('a status says how far a view is, when it will be late, and what happens next', () => {
  const failed = [
    { start: january('01T06:00'), end: january('01T08:00'), error: 'broken', at: january('01T08:30') },
  ];
  const held = [
    { start: january('01T05:00'), end: january('01T06:00'), reason: 'no rows', since: january('01T06:30') },
  ];
  expect(viewStatus(coveredTo(january('01T05:00'), { failed, held }), january('01T08:30'))).toEqual({
    view: 'activity@v1',
    serving: true,
    watermark: '2026-01-01T05:00:00Z',
    freshness: 'at risk',
    ageSeconds: 12_600,
    slaSeconds: 14_400,
    breachesAt: '2026-01-01T09:00:00Z',
    nextTick: '2026-01-01T09:00:00Z',
    nextRunAt: '2026-01-01T09:10:00Z',
    missingIntervals: 2,
    runningIntervals: 0,
    heldIntervals: 1,
    failedIntervals: 2,
  });
});

test.each([
  ['09:12', 'ok'], // 192 of 240 minutes are 80 %
  ['09:13', 'at risk'],
  ['10:00', 'at risk'],
  ['10:01', 'breached'],
])('with a watermark of 06:00 and an SLA of 4h, a view at %s is %s', (time, state) => {
  expect(viewStatus(coveredTo(january('01T06:00')), january(`01T${time}`)).freshness).toBe(state);
});

test('a tick whose data delay has not passed is still the next one', () => {
  const view = coveredTo(january('01T06:00'));
  expect(viewStatus(view, january('01T07:09'))).toMatchObject({
    nextTick: '2026-01-01T07:00:00Z',
    nextRunAt: '2026-01-01T07:10:00Z',
    missingIntervals: 0,
  });
  expect(viewStatus(view, january('01T07:10'))).toMatchObject({
    nextTick: '2026-01-01T08:00:00Z',
    missingIntervals: 1,
  });
});

test('a paused view has no next run', () => {
  const view = monitoredView({ paused: true });
  expect(viewStatus(coveredTo(january('01T06:00'), {}, view), january('01T07:09')).nextRunAt).toBeNull();
});

test('before its start a view has nothing missing, and its first interval ends at its second tick', () => {
  const view = monitoredView({
    schedule: '0 0 1 * *',
    startTime: '2026-01-10T00:00:00Z',
    freshnessSla: null,
  });
  expect(viewStatus(coveredTo(null, {}, view), january('05T00:00'))).toMatchObject({
    watermark: '2026-02-01T00:00:00Z',
    freshness: 'unknown',
    ageSeconds: 0,
    slaSeconds: null,
    breachesAt: null,
    nextTick: '2026-03-01T00:00:00Z',
    missingIntervals: 0,
  });
});
