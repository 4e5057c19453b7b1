import { describe, expect, test } from 'vitest';
import { batchSpec, manifestOf, onDemandSpec, trainingSetSpec } from '../../test/support/specs.ts';
import { TidemarkError } from '../core/errors.ts';
import type { Manifest } from '../core/manifest.ts';
import { timeOf } from '../core/time.ts';
import type { AppliedManifest } from '../registry/registry.ts';
import { buildPlan, isEmptyPlan } from './build-plan.ts';
import { explainPlan } from './explain.ts';
import type { PlannedBackfill } from './plan.ts';
import type { PlanFacts } from './plan-facts.ts';

const applied = (manifest: Manifest, revision = 1): AppliedManifest => ({
  manifest,
  revision,
  appliedAt: timeOf('2026-02-01'),
});

const facts = (known: Partial<PlanFacts> = {}): PlanFacts => ({
  backfills: [],
  consumers: new Map(),
  servingVersions: new Map(),
  files: new Map([['spend@v1', 'views.ts']]),
  ...known,
});

const BACKFILL: PlannedBackfill = {
  view: 'spend',
  version: 1,
  missing: [
    { start: '2026-01-01T00:00:00Z', end: '2026-01-02T00:00:00Z' },
    { start: '2026-01-03T00:00:00Z', end: '2026-01-04T00:00:00Z' },
  ],
  intervals: 48,
  rows: 1_234_567,
  bytes: 5_600_000,
  seconds: 8,
  onlineBytes: 200_000_000,
};

function refusal(make: () => unknown): TidemarkError {
  try {
    make();
  } catch (error) {
    if (error instanceof TidemarkError) return error;
  }
  throw new Error('Expected a TidemarkError');
}

test('each batch view version gets a schedule, and loses it with its definition', () => {
  const manifest = manifestOf([batchSpec(), onDemandSpec()]);
  const first = buildPlan({ applied: undefined, manifest, facts: facts() });
  expect(first).toMatchObject({ project: 'shop', baseRevision: 0 });
  expect(first.schedules).toEqual([{ action: 'create', view: 'spend', version: 1, cron: '0 * * * *' }]);
  const second = buildPlan({
    applied: applied(manifest),
    manifest: manifestOf([batchSpec(), batchSpec({ version: 2, schedule: '0 0 * * *' })]),
    facts: facts(),
  });
  expect(second.schedules).toEqual([{ action: 'create', view: 'spend', version: 2, cron: '0 0 * * *' }]);
  const last = buildPlan({
    applied: applied(manifest),
    manifest: manifestOf([onDemandSpec()]),
    facts: facts(),
  });
  expect(last.schedules).toEqual([{ action: 'delete', view: 'spend', version: 1, cron: '0 * * * *' }]);
});

test('the same definitions again are an empty plan', () => {
  const manifest = manifestOf([batchSpec()]);
  const plan = buildPlan({
    applied: applied(manifest, 4),
    manifest: structuredClone(manifest),
    facts: facts({ backfills: [BACKFILL] }),
  });
  expect(isEmptyPlan(plan)).toBe(true);
});

test('the hash covers what is executed, not what time makes of the estimates', () => {
  const plan = (manifest: Manifest, backfills: readonly PlannedBackfill[], revision?: number) =>
    buildPlan({
      applied: revision === undefined ? undefined : applied(manifestOf([]), revision),
      manifest,
      facts: facts({ backfills }),
    }).hash;
  const manifest = manifestOf([batchSpec()]);
  expect(plan(manifest, [BACKFILL])).toBe(plan(structuredClone(manifest), []));
  expect(plan(manifest, [], 1)).not.toBe(plan(manifest, [], 2));
  expect(plan(manifest, [])).not.toBe(plan(manifestOf([batchSpec({ ttl: '8d' })]), []));
});

describe('a plan that would break readers is refused', () => {
  test('a value changed in place, with the version to write instead and where', () => {
    const error = refusal(() =>
      buildPlan({
        applied: applied(manifestOf([batchSpec(), batchSpec({ version: 2 })])),
        manifest: manifestOf([batchSpec({ dataDelay: '1h' }), batchSpec({ version: 2 })]),
        facts: facts(),
      }),
    );
    expect(error.code).toBe('BREAKING_CHANGE');
    expect(error.message).toBe(
      'Cannot plan project "shop": one change would break readers.\n' +
        '  views.ts, view "spend": dataDelay: 10m → 1h. This breaks spend@v1: keep version 1 as it was, and define ' +
        'the change beside it with version: 3 in views.ts.',
    );
  });

  test('a version removed while somebody reads it, or while it serves and others are left', () => {
    const remove = (known: Partial<PlanFacts>) =>
      buildPlan({
        applied: applied(manifestOf([batchSpec()])),
        manifest: manifestOf([batchSpec({ version: 2 })]),
        facts: facts(known),
      });
    const read = refusal(() => remove({ consumers: new Map([['spend@v1', ['training set abc']]]) }));
    expect(read.code).toBe('BREAKING_CHANGE');
    expect(read.message).toContain('spend@v1 would be removed, and is read by training set abc');
    const serving = refusal(() => remove({ servingVersions: new Map([['spend', 1]]) }));
    expect(serving.message).toContain('spend@v1 would be removed while it is the serving version');
    expect(remove({ servingVersions: new Map([['spend', 2]]) }).schedules).toHaveLength(2);
  });

  test('a whole view that nobody reads may go', () => {
    const plan = buildPlan({
      applied: applied(manifestOf([batchSpec()])),
      manifest: manifestOf([]),
      facts: facts({ servingVersions: new Map([['spend', 1]]) }),
    });
    expect(plan.changes.find(({ object }) => object === 'spend@v1')?.change).toBe('removed');
  });
});

test('a first plan is told line by line', () => {
  const plan = buildPlan({
    applied: undefined,
    manifest: manifestOf([batchSpec(), onDemandSpec()]),
    facts: facts({ backfills: [BACKFILL] }),
  });
  expect(explainPlan(plan)).toEqual([
    `Project shop, never applied, plan ${plan.hash.slice(0, 12)}`,
    '',
    'Changes',
    '  + entity          user      user_id int64',
    '  + source          orders    parquet orders.parquet',
    '  + batch_view      spend@v1  1 feature, hourly, ttl 7d',
    '  + on_demand_view  ratio@v1  1 feature, on demand',
    '',
    'Schedules',
    '  + spend@v1  hourly (0 * * * *)',
    '',
    'Missing intervals',
    '  spend@v1  48 intervals in 2 gaps  2026-01-01T00:00:00Z to 2026-01-04T00:00:00Z  reads 1,234,567 rows (5.6 MB)  ~8s  online up to 200 MB',
  ]);
});

test('a changed plan tells each field, and an empty one says so', () => {
  const before = manifestOf([batchSpec()]);
  const changed = buildPlan({
    applied: applied(before, 3),
    manifest: manifestOf([batchSpec({ ttl: '14d', owner: 'shop@example.com' })]),
    facts: facts(),
  });
  expect(explainPlan(changed)).toEqual([
    `Project shop, on revision 3, plan ${changed.hash.slice(0, 12)}`,
    '',
    'Changes',
    '  ~ batch_view  spend@v1  (additive)',
    '      ttl: 7d → 14d',
    '      owner: + shop@example.com',
  ]);
  const empty = buildPlan({ applied: applied(before, 3), manifest: before, facts: facts() });
  expect(explainPlan(empty).slice(1)).toEqual(['No changes.']);
});

test('a function that was never noted is noted by the next apply, which changes nothing else', () => {
  const plan = buildPlan({
    applied: applied(manifestOf([onDemandSpec()])),
    manifest: manifestOf([onDemandSpec({ functionDigest: 'a' })]),
    facts: facts(),
  });
  expect(explainPlan(plan).slice(1)).toEqual([
    'No changes.',
    '',
    'Functions, compared from this apply on',
    '  ratio@v1',
  ]);
  expect(isEmptyPlan(plan)).toBe(false);
});

test('a changed function is refused in place, naming the version to write', () => {
  const error = refusal(() =>
    buildPlan({
      applied: applied(manifestOf([onDemandSpec({ functionDigest: 'a' })])),
      manifest: manifestOf([onDemandSpec({ functionDigest: 'b' })]),
      facts: facts({ files: new Map([['ratio@v1', 'views.ts']]) }),
    }),
  );
  expect(error.code).toBe('BREAKING_CHANGE');
  expect(error.message).toContain(
    'transform: code a → code b. This breaks ratio@v1: keep version 1 as it was',
  );
  expect(error.message).toContain('with version: 2 in views.ts');
});

test('pausing a view in its definition pauses its schedule, and taking it back resumes it', () => {
  const running = manifestOf([batchSpec()]);
  const paused = manifestOf([batchSpec({ paused: true })]);
  const stop = buildPlan({ applied: applied(running), manifest: paused, facts: facts() });
  expect(stop.schedules).toEqual([{ action: 'pause', view: 'spend', version: 1, cron: '0 * * * *' }]);
  expect(stop.changes).toMatchObject([{ severity: 'metadata', fields: [{ field: 'paused' }] }]);
  expect(explainPlan(stop).join('\n')).toContain('~ spend@v1  paused');
  const go = buildPlan({ applied: applied(paused), manifest: running, facts: facts() });
  expect(go.schedules).toMatchObject([{ action: 'resume' }]);
});

describe('a scheduled training set', () => {
  const views = [batchSpec()];
  const withSets = (...trainingSetSchedules: Manifest['trainingSetSchedules']) =>
    manifestOf(views, { trainingSetSchedules });
  const planned = (from: Manifest, to: Manifest) =>
    buildPlan({ applied: applied(from), manifest: to, facts: facts() });
  const daily = trainingSetSpec();

  test('gets a schedule of its own, and loses it with its definition', () => {
    const made = planned(withSets(), withSets(daily));
    expect(made.schedules).toEqual([{ action: 'create', trainingSet: 'daily', cron: '0 6 * * *' }]);
    expect(explainPlan(made).slice(2)).toEqual([
      'Changes',
      '  + training_set_schedule  daily  1 feature reference, daily at 06:00',
      '',
      'Schedules',
      '  + training set daily  daily at 06:00 (0 6 * * *)',
    ]);
    const gone = planned(withSets(daily), withSets());
    expect(gone.schedules).toEqual([{ action: 'delete', trainingSet: 'daily', cron: '0 6 * * *' }]);
    expect(gone.changes).toMatchObject([
      { kind: 'training_set_schedule', change: 'removed', severity: 'metadata' },
    ]);
  });

  test.each<[Partial<typeof daily>, string | undefined, string, string]>([
    [{ schedule: '0 7 * * *' }, 'change', 'metadata', 'schedule: 0 6 * * * → 0 7 * * *'],
    [{ dataDelay: '1h' }, 'change', 'metadata', 'dataDelay: 0s → 1h'],
    [{ paused: true }, 'pause', 'metadata', 'paused: false → true'],
    [{ knownAt: 'tick' }, undefined, 'additive', 'knownAt: any → tick'],
    [{ features: { kind: 'service', service: 'model' } }, undefined, 'additive', 'service: + model'],
    [{ label: { column: 'label' } }, undefined, 'additive', 'label.column: + label'],
    [{ owner: 'growth@example.com' }, undefined, 'metadata', 'owner: + growth@example.com'],
  ])('with %j changes its schedule only where that is meant', (fields, action, severity, text) => {
    const plan = planned(withSets(daily), withSets({ ...daily, ...fields }));
    expect(plan.schedules.map((schedule) => schedule.action)).toEqual(action === undefined ? [] : [action]);
    expect(plan.changes).toMatchObject([{ object: 'daily', change: 'changed', severity }]);
    expect(explainPlan(plan).join('\n')).toContain(text);
    expect(isEmptyPlan(planned(withSets(daily), withSets(daily)))).toBe(true);
  });

  test('whose delay is only written otherwise keeps its schedule', () => {
    const same = { ...daily, dataDelay: '0m' };
    expect(planned(withSets(daily), withSets(same)).schedules).toEqual([]);
  });
});
