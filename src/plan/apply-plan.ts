import { digestOf } from '../core/canonical.ts';
import { TidemarkError } from '../core/errors.ts';
import { findView } from '../core/manifest.ts';
import type { Micros } from '../core/time.ts';
import type { AppliedManifest, Registry } from '../registry/registry.ts';
import { isEmptyPlan } from './build-plan.ts';
import { explainPlan } from './explain.ts';
import type { Plan } from './plan.ts';
import type { SchedulePort } from './schedule-port.ts';

export interface ApplyDependencies {
  readonly registry: Pick<Registry, 'apply'>;
  readonly schedules: SchedulePort;
  /** Plans again, from the repository and the world as they are now. */
  readonly rebuild: () => Promise<Plan>;
  readonly by: string;
  readonly commit: string | null;
  readonly now: Micros;
}

export type ApplyOutcome =
  | { readonly kind: 'nothing_to_do'; readonly plan: Plan }
  | { readonly kind: 'applied'; readonly plan: Plan; readonly applied: AppliedManifest };

/**
 * Executes exactly this plan. Schedules are changed inside the registry's lock, before the registry commits: when one
 * cannot be changed, nothing is applied. A removed view loses its schedule; its ledger, files and online rows stay
 * until the version is retired.
 *
 * @throws PLAN_DRIFTED with the plan as it is now, when the world or the definitions have changed since; nothing is
 *   done then. APPLY_CONFLICT while another apply runs.
 */
export async function applyPlan(
  plan: Plan,
  { registry, schedules, rebuild, by, commit, now }: ApplyDependencies,
): Promise<ApplyOutcome> {
  const current = await rebuild();
  // What the plan wanted is there already: it was applied before.
  if (isEmptyPlan(current) && digestOf(current.manifest) === digestOf(plan.manifest)) {
    return { kind: 'nothing_to_do', plan: current };
  }
  if (current.hash !== plan.hash) throw drifted(plan, current);
  const { project, manifest, baseRevision } = plan;
  const applied = await registry.apply({
    manifest,
    baseRevision,
    by,
    commit,
    now,
    async beforeCommit() {
      for (const planned of plan.schedules) {
        if ('trainingSet' in planned) {
          const { action, trainingSet } = planned;
          const spec = manifest.trainingSetSchedules.find(({ name }) => name === trainingSet);
          if (action === 'delete') await schedules.removeTrainingSet(project, trainingSet);
          else if (spec !== undefined) await schedules.upsertTrainingSet(spec, project);
          continue;
        }
        const { action, view, version } = planned;
        const spec = findView(manifest, view, version);
        if (action === 'delete') await schedules.remove({ project, view, version });
        else if (spec?.kind === 'batch_view') await schedules.upsert(spec, project);
      }
    },
  });
  return { kind: 'applied', plan, applied };
}

function drifted(plan: Plan, current: Plan): TidemarkError {
  return new TidemarkError(
    'PLAN_DRIFTED',
    [
      `Cannot apply plan ${plan.hash.slice(0, 12)}: definitions or registry have changed since. The plan is now:`,
      ...explainPlan(current),
    ].join('\n'),
  );
}
