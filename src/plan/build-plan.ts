import { digestOf } from '../core/canonical.ts';
import { problemsError } from '../core/errors.ts';
import { formatViewVersion } from '../core/feature-view.ts';
import { batchViews, emptyManifest, findView, type Manifest } from '../core/manifest.ts';
import { durationOf } from '../core/time.ts';
import type { AppliedManifest } from '../registry/registry.ts';
import { incompatibilities } from './compatibility.ts';
import { diffManifests } from './diff.ts';
import type { Plan, PlannedSchedule } from './plan.ts';
import type { PlanFacts } from './plan-facts.ts';

/**
 * Makes the plan that turns what was applied (undefined: nothing yet) into `manifest`.
 *
 * The hash covers what is executed (the manifest, its changes and schedules, on this base revision) and not the
 * estimates: time passing makes intervals due, and no other plan.
 *
 * @throws BREAKING_CHANGE naming every change that would break a reader of a version, and what to write instead.
 */
export function buildPlan({
  applied,
  manifest,
  facts,
}: {
  readonly applied: AppliedManifest | undefined;
  readonly manifest: Manifest;
  readonly facts: PlanFacts;
}): Plan {
  const { project } = manifest;
  const previous = applied?.manifest ?? emptyManifest(project);
  const changes = diffManifests(previous, manifest);
  const broken = incompatibilities(previous, manifest, changes, facts);
  if (broken.length > 0) {
    const count = broken.length === 1 ? 'one change' : `${broken.length} changes`;
    throw problemsError(
      'BREAKING_CHANGE',
      `Cannot plan project "${project}": ${count} would break readers.`,
      broken,
    );
  }
  const executed = {
    project,
    baseRevision: applied?.revision ?? 0,
    manifest,
    changes,
    schedules: plannedSchedules(previous, manifest),
  };
  const noted = notedFunctions(previous, manifest);
  return {
    ...executed,
    backfills: facts.backfills,
    ...(noted.length === 0 ? {} : { notedFunctions: noted }),
    hash: digestOf(executed),
  };
}

function notedFunctions(previous: Manifest, next: Manifest): readonly string[] {
  return next.views.flatMap((view) => {
    const before = findView(previous, view.name, view.version);
    if (view.kind !== 'on_demand_view' || before?.kind !== 'on_demand_view') return [];
    return before.functionDigest === undefined && view.functionDigest !== undefined
      ? [formatViewVersion({ view: view.name, version: view.version })]
      : [];
  });
}

/** Whether applying the plan would change nothing; missing intervals are the schedules' work, not apply's. */
export function isEmptyPlan({ changes, schedules, notedFunctions = [] }: Plan): boolean {
  return changes.length === 0 && schedules.length === 0 && notedFunctions.length === 0;
}

/** One schedule per batch view version and per scheduled training set, as long as it is defined. */
function plannedSchedules(previous: Manifest, next: Manifest): readonly PlannedSchedule[] {
  const schedules: PlannedSchedule[] = [];
  for (const { name: view, version, schedule: cron, paused } of batchViews(next)) {
    const before = findView(previous, view, version);
    if (before?.kind !== 'batch_view') schedules.push({ action: 'create', view, version, cron });
    else if (before.paused !== paused) {
      schedules.push({ action: paused ? 'pause' : 'resume', view, version, cron });
    } else if (before.schedule !== cron) schedules.push({ action: 'change', view, version, cron });
  }
  for (const { name: view, version, schedule: cron } of batchViews(previous)) {
    if (findView(next, view, version)?.kind !== 'batch_view') {
      schedules.push({ action: 'delete', view, version, cron });
    }
  }
  return [...schedules, ...plannedTrainingSets(previous, next)];
}

function plannedTrainingSets(previous: Manifest, next: Manifest): readonly PlannedSchedule[] {
  const before = new Map(previous.trainingSetSchedules.map((spec) => [spec.name, spec]));
  const schedules = next.trainingSetSchedules.flatMap((spec): readonly PlannedSchedule[] => {
    const planned = { trainingSet: spec.name, cron: spec.schedule };
    const old = before.get(spec.name);
    before.delete(spec.name);
    if (old === undefined) return [{ action: 'create', ...planned }];
    if (old.paused !== spec.paused) return [{ action: spec.paused ? 'pause' : 'resume', ...planned }];
    const isSame = old.schedule === spec.schedule && durationOf(old.dataDelay) === durationOf(spec.dataDelay);
    return isSame ? [] : [{ action: 'change', ...planned }];
  });
  const gone = [...before.values()].map(
    ({ name, schedule }) => ({ action: 'delete', trainingSet: name, cron: schedule }) as const,
  );
  return [...schedules, ...gone];
}
