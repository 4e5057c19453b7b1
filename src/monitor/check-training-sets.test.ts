import { expect, test } from 'vitest';
import { january, scheduledSet as weekly } from '../../test/support/monitored-view.ts';
import type { ScheduledSet } from '../registry/scheduled-set.ts';
import { checkTrainingSets } from './check-training-sets.ts';

function ended(outcome: ScheduledSet['outcome']): ScheduledSet {
  return {
    project: 'shop',
    schedule: 'weekly',
    tick: january('05T00:00'),
    endedAt: january('05T00:02'),
    outcome,
  };
}

test('a tick whose set was not built is a finding that says which, and why', () => {
  const failed = ended({ kind: 'failed', code: 'SPINE_INVALID', message: 'Cannot use the spine.' });
  expect(checkTrainingSets('shop', [weekly], [failed])).toEqual([
    {
      identity: 'training-set/shop/weekly',
      kind: 'training_set_failed',
      project: 'shop',
      view: null,
      version: null,
      severity: 'warning',
      summary:
        'The training set of schedule "weekly" was not built for 2026-01-05T00:00:00Z: Cannot use the spine.',
      details: {
        schedule: 'weekly',
        tick: '2026-01-05T00:00:00Z',
        code: 'SPINE_INVALID',
        error: 'Cannot use the spine.',
        at: '2026-01-05T00:02:00Z',
      },
    },
  ]);
});

test('a schedule whose newest set was built, that has not ticked yet, or that is defined no more has none', () => {
  const built = ended({ kind: 'built', id: 'a'.repeat(64), rows: 3, reused: false });
  const failed = ended({ kind: 'failed', code: 'SPINE_INVALID', message: 'Cannot use the spine.' });
  expect(checkTrainingSets('shop', [weekly], [built])).toEqual([]);
  expect(checkTrainingSets('shop', [weekly], [])).toEqual([]);
  expect(checkTrainingSets('shop', [], [failed])).toEqual([]);
});
