import { describe, expect, test } from 'vitest';
import { pushSourceSpec } from '../../test/support/push-source-spec.ts';
import { manifestOf } from '../../test/support/specs.ts';
import type { Manifest } from '../core/manifest.ts';
import { timeOf } from '../core/time.ts';
import type { ValueType } from '../core/value-type.ts';
import { buildPlan } from './build-plan.ts';

describe('a column of a push source', () => {
  const pushing = (columns: Readonly<Record<string, ValueType>>): Manifest => ({
    ...manifestOf([]),
    sources: [pushSourceSpec(columns)],
  });
  const change = (before: Readonly<Record<string, ValueType>>, after: Readonly<Record<string, ValueType>>) =>
    buildPlan({
      applied: { manifest: pushing(before), revision: 1, appliedAt: timeOf('2026-02-01') },
      manifest: pushing(after),
      facts: { backfills: [], consumers: new Map(), servingVersions: new Map(), files: new Map() },
    });

  test('may become a type that holds all that was pushed', () => {
    const plan = change(
      { user: 'int32', day: 'date', prices: 'array<float32>' },
      { user: 'int64', day: 'timestamp', prices: 'array<float64>', page: 'string' },
    );
    expect(plan.changes).toMatchObject([{ kind: 'source', object: 'clicks', severity: 'additive' }]);
  });

  test.each([
    ['int64', 'int32', null],
    ['int64', 'float64', null],
    ['int32', 'float32', 'int64 or float64'],
    ['string', 'json', null],
    ['string', 'int64', null],
    ['timestamp', 'date', null],
    ['vector(2)', 'vector(3)', null],
  ] as const)('does not become %s from %s, with what to do instead', (was, is, wider) => {
    let error: unknown;
    try {
      change({ user: was }, { user: is });
    } catch (thrown) {
      error = thrown;
    }
    expect(error).toMatchObject({ code: 'BREAKING_CHANGE' });
    expect(error).toHaveProperty('problems', [
      {
        where: 'source "clicks"',
        message:
          `columns.user: ${was} → ${is}. Rows that were pushed as ${was} are kept, and may have no such value: ` +
          `keep "user" as it was${wider === null ? '' : ` (it may become ${wider})`}, and push the new type as a ` +
          'column beside it, such as "user_v2".',
      },
    ]);
  });

  test('that is taken away is shown as breaking: who pushes it is refused from then on', () => {
    expect(change({ user: 'int64', page: 'string' }, { user: 'int64' }).changes).toMatchObject([
      { change: 'changed', severity: 'breaking', fields: [{ field: 'columns.page', to: null }] },
    ]);
  });
});
