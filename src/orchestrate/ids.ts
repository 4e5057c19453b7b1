import { digestOf } from '../core/canonical.ts';
import type { BackfillInput, MaterializeInput, ViewTarget } from './contracts.ts';

/** Workflow ids: they name what runs, so the same work asked for twice is one run. */
export function materializeId({ project, view, version }: ViewTarget): string {
  return `materialize/${project}/${view}@v${version}`;
}

/**
 * A run by hand of everything that is due is the schedule's; one that asks for more (a restatement) or less is
 * another, and must not be taken for done because the schedule's runs just then.
 */
export function materializeRunId(input: MaterializeInput): string {
  const { range, restate = false } = input;
  if (range === undefined && !restate) return materializeId(input);
  return `${materializeId(input)}/${digestOf({ range: range ?? null, restate }).slice(0, 16)}`;
}

export function backfillId(input: BackfillInput): string {
  const { project, view, version, range, restate, order } = input;
  const plan = digestOf({
    project,
    view,
    version,
    range: range ?? null,
    restate: restate ?? false,
    order: order ?? 'oldest',
  });
  return `backfill/${plan.slice(0, 16)}`;
}

/** The set's own name: asked for twice at once, by whomever, it is built once. */
export function trainingSetId(manifestId: string): string {
  return `training-set/${manifestId}`;
}

export function trainingSetScheduleId(project: string, schedule: string): string {
  return `training-set-schedule/${project}/${schedule}`;
}

export function monitorId(project: string): string {
  return `monitor/${project}`;
}

export function migrateId(project: string, view: string, from: number, to: number): string {
  return `migrate/${project}/${view}/${from}-${to}`;
}

/** Workers serve one project: they hold its feature repository, for on-demand functions and source paths. */
export function taskQueueOf(project: string): string {
  return `tidemark-${project}`;
}
