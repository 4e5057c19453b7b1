import { expect, test } from 'vitest';
import { trainingSetSpec } from '../../test/support/specs.ts';
import { formatTime, timeOf } from '../core/time.ts';
import type { ScheduledSpine } from '../core/training-set-schedule.ts';
import { inRepository, scheduledRequest } from './scheduled-request.ts';

const spine: ScheduledSpine = {
  kind: 'query',
  query: 'SELECT $interval_start AS s, $interval_end AS e',
  timestampField: 'e',
};

test.each([
  ['0 6 * * *', '2026-03-01T06:00:00Z', '2026-03-01T06:00:00Z', '2026-02-28 06:00:00'],
  ['0 6 * * *', '2026-03-01T05:59:59.999Z', '2026-02-28T06:00:00Z', '2026-02-27 06:00:00'],
  ['30 4 * * 1', '2026-03-04T00:00:00Z', '2026-03-02T04:30:00Z', '2026-02-23 04:30:00'],
  ['0 0 1 * *', '2026-03-01T00:00:00Z', '2026-03-01T00:00:00Z', '2026-02-01 00:00:00'],
  ['*/5 9-17 * * 1-5', '2026-03-02T09:00:00Z', '2026-03-02T09:00:00Z', '2026-02-27 17:55:00'],
])('%s at %s asks for the rows between its last two ticks', (schedule, at, tick, start) => {
  const found = scheduledRequest('shop', trainingSetSpec({ schedule, spine }), timeOf(at));
  expect(formatTime(found.tick)).toBe(tick);
  const end = tick.replace('T', ' ').replace('Z', '');
  expect(found.request.spine).toEqual({
    ...spine,
    query: `SELECT (TIMESTAMP '${start}') AS s, (TIMESTAMP '${end}') AS e`,
  });
});

test('what is asked for is what the definition says, known by the tick when it says so', () => {
  const at = timeOf('2026-03-01T06:00:00Z');
  const label = { view: 'spend', feature: 'spend_7d', version: 1, horizon: '7d' };
  const aliases = [{ view: 'spend', prefix: 'friend_', keys: { user_id: 'friend' } }];
  const spec = trainingSetSpec({
    knownAt: 'tick',
    aliases,
    label,
    fullNames: true,
    split: 'time:80/20',
    format: 'arrow',
    rowsPerFile: 10,
    statistics: false,
  });
  expect(scheduledRequest('shop', spec, at).request).toEqual({
    project: 'shop',
    spine: spec.spine,
    features: spec.features,
    aliases,
    label,
    knownAt: '2026-03-01T06:00:00Z',
    fullNames: true,
    layout: { format: 'arrow', split: 'time:80/20', rowsPerFile: 10 },
    statistics: false,
  });
  expect(scheduledRequest('shop', trainingSetSpec(), at).request).not.toHaveProperty('aliases');
  const last: ScheduledSpine = { kind: 'last', duration: '7d', timestampField: 'at' };
  expect(scheduledRequest('shop', trainingSetSpec({ spine: last }), at).request).toMatchObject({
    knownAt: 'any',
    spine: { kind: 'range', from: '2026-02-22T06:00:00Z', to: '2026-03-01T06:00:00Z', timestampField: 'at' },
    layout: { format: 'parquet' },
  });
});

test('a file is found from the repository, unless it is somewhere for itself', () => {
  const at = timeOf('2026-03-01');
  const pathOf = (path: string) => {
    const spec = trainingSetSpec({ spine: { kind: 'csv', path, timestampField: 'at' } });
    const placed = inRepository(scheduledRequest('shop', spec, at).request, '/repo');
    return 'path' in placed.spine ? placed.spine.path : undefined;
  };
  expect(pathOf('labels/*.csv')).toBe('/repo/labels/*.csv');
  expect(pathOf('/data/labels.csv')).toBe('/data/labels.csv');
  expect(pathOf('s3://bucket/labels.csv')).toBe('s3://bucket/labels.csv');
});
