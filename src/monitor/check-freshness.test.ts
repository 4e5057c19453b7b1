import { expect, test } from 'vitest';
import { after, coveredTo, january, monitoredView } from '../../test/support/monitored-view.ts';
import { checkFreshness } from './check-freshness.ts';

test('a view is stale when its watermark is older than its SLA by a microsecond, and not before', () => {
  const view = coveredTo(january('01T06:00'));
  expect(checkFreshness('shop', [view], january('01T10:00'))).toEqual([]);
  expect(checkFreshness('shop', [view], after(january('01T10:00'), 1))).toEqual([
    {
      identity: 'freshness/shop/activity@v1',
      kind: 'freshness_breached',
      project: 'shop',
      view: 'activity',
      version: 1,
      severity: 'critical',
      summary:
        'activity@v1 is 4h old and promised to be at most 4h: its data is complete up to 2026-01-01T06:00:00Z.',
      details: {
        watermark: '2026-01-01T06:00:00Z',
        age: '4h',
        sla: '4h',
        breachedAt: '2026-01-01T10:00:00Z',
      },
    },
  ]);
});

test('a hole keeps a view stale however much is committed after it', () => {
  const committed = [
    { start: january('01T00:00'), end: january('01T02:00') },
    { start: january('01T03:00'), end: january('02T00:00') },
  ];
  const [finding] = checkFreshness('shop', [coveredTo(null, { committed })], january('02T00:30'));
  expect(finding?.details).toMatchObject({ watermark: '2026-01-01T02:00:00Z' });
});

test('a view with nothing committed is as old as its first tick, and not stale before that has come', () => {
  const view = coveredTo(null, {}, monitoredView({ startTime: '2026-01-01T00:20:00Z' }));
  expect(checkFreshness('shop', [view], january('01T05:00'))).toEqual([]);
  expect(checkFreshness('shop', [view], january('01T05:01'))).toHaveLength(1);
  expect(checkFreshness('shop', [coveredTo(null)], january('01T00:00'))).toEqual([]);
});

test('a view that promises nothing is never stale', () => {
  const view = coveredTo(null, {}, monitoredView({ freshnessSla: null }));
  expect(checkFreshness('shop', [view], january('31T00:00'))).toEqual([]);
});

test('every version is watched by itself, and one that does not serve is no more than a warning', () => {
  const now = january('01T12:00');
  const views = [
    coveredTo(january('01T01:00')),
    coveredTo(january('01T02:00'), {}, monitoredView({ version: 2 }), false),
  ];
  expect(
    checkFreshness('shop', views, now).map(({ identity, severity }) => `${severity} ${identity}`),
  ).toEqual(['critical freshness/shop/activity@v1', 'warning freshness/shop/activity@v2']);
});

test('all failed ranges of a version are one finding, told by the newest', () => {
  const failed = [
    { start: january('01T01:00'), end: january('01T04:00'), error: 'old', at: january('01T05:00') },
    { start: january('01T04:00'), end: january('01T05:00'), error: 'new', at: january('01T06:00') },
  ];
  const findings = checkFreshness('shop', [coveredTo(january('01T01:00'), { failed })], january('01T05:00'));
  expect(findings).toEqual([
    expect.objectContaining({
      identity: 'failed/shop/activity@v1',
      kind: 'interval_failed',
      summary:
        'activity@v1 has 4 intervals failed. The newest failure is of [2026-01-01T04:00:00Z, 2026-01-01T05:00:00Z): new',
      details: {
        intervals: 4,
        ranges: [
          {
            start: '2026-01-01T04:00:00Z',
            end: '2026-01-01T05:00:00Z',
            error: 'new',
            at: '2026-01-01T06:00:00Z',
          },
          {
            start: '2026-01-01T01:00:00Z',
            end: '2026-01-01T04:00:00Z',
            error: 'old',
            at: '2026-01-01T05:00:00Z',
          },
        ],
      },
    }),
  ]);
});

test('a stream view is as fresh as its newest event, whatever has been computed of it', () => {
  const view = coveredTo(january('01T02:00'), {}, monitoredView({ stream: true }));
  const read = { ...view, newestEvent: january('01T06:00') };
  expect(checkFreshness('shop', [read], january('01T10:00'))).toEqual([]);
  expect(checkFreshness('shop', [read], after(january('01T10:00'), 1))).toMatchObject([
    {
      kind: 'freshness_breached',
      summary:
        'activity@v1 is 4h old and promised to be at most 4h: its newest event is of 2026-01-01T06:00:00Z.',
    },
  ]);
});

test('a stream view into which nothing has come is as old as its start', () => {
  const read = { ...coveredTo(january('01T06:00'), {}, monitoredView({ stream: true })), newestEvent: null };
  expect(checkFreshness('shop', [read], january('01T04:00'))).toEqual([]);
  expect(checkFreshness('shop', [read], january('01T04:01'))).toMatchObject([
    {
      summary:
        'activity@v1 is 4h1m old and promised to be at most 4h: no event has come since its start, 2026-01-01T00:00:00Z.',
    },
  ]);
});

test('a held interval is a finding until somebody decides', () => {
  const held = [
    { start: january('01T01:00'), end: january('01T02:00'), reason: 'no rows', since: january('01T02:10') },
  ];
  const [finding] = checkFreshness('shop', [coveredTo(january('01T01:00'), { held })], january('01T03:00'));
  expect(finding).toMatchObject({
    identity: 'held/shop/activity@v1',
    kind: 'interval_held',
    summary:
      'activity@v1 waits for a decision on 1 interval. The first is [2026-01-01T01:00:00Z, 2026-01-01T02:00:00Z): no rows',
  });
});

test('what a finding says stays small and well-formed, however many ranges and however long their errors', () => {
  const failed = Array.from({ length: 200 }, (_, n) => ({
    start: after(january('01T00:00'), n * 7_200_000_000),
    end: after(january('01T00:00'), n * 7_200_000_000 + 3_600_000_000),
    error: `${'x'.repeat(499)}😀${'y'.repeat(10_000)}`,
    at: after(january('20T00:00'), n),
  }));
  const [finding] = checkFreshness('shop', [coveredTo(null, { failed })], january('01T01:00'));
  expect(finding?.details.intervals).toBe(200);
  expect(finding?.details.ranges).toHaveLength(10);
  expect(JSON.stringify(finding).length).toBeLessThan(10_000);
  expect(finding?.summary.isWellFormed()).toBe(true);
});
