import { digestOf } from '../core/canonical.ts';
import type { BackfillInput, ViewTarget } from './contracts.ts';

/** Workflow ids (DESIGN 9): they name what runs, so the same work asked for twice is one run. */
export function materializeId({ project, view, version }: ViewTarget): string {
  return `materialize/${project}/${view}@v${version}`;
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

export function trainingSetId(manifestId: string): string {
  return `training-set/${manifestId}`;
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
