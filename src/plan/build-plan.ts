import { digestOf } from '../core/canonical.ts';
import { problemsError } from '../core/errors.ts';
import { batchViews, emptyManifest, findView, type Manifest } from '../core/manifest.ts';
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
  return { ...executed, backfills: facts.backfills, hash: digestOf(executed) };
}

/** Whether applying the plan would change anything; missing intervals are the schedules' work, not apply's. */
export function isEmptyPlan({ changes, schedules }: Plan): boolean {
  return changes.length === 0 && schedules.length === 0;
}

/** One schedule per batch view version, as long as the version is defined. */
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
  return schedules;
}
