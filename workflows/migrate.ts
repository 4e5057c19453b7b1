import {
  ActivityFailure,
  CancellationScope,
  condition,
  defineQuery,
  defineSignal,
  executeChild,
  isCancellation,
  proxyActivities,
  setHandler,
} from '@temporalio/workflow';
import type { Activities } from '../activities/create-activities.ts';
import type { MigrateInput, MigrateProgress } from '../src/orchestrate/contracts.ts';
import { LONG, SHORT } from './activity-options.ts';
import { backfill } from './backfill.ts';

const { compareVersions } = proxyActivities<Activities>(LONG);
const { moveServingVersion } = proxyActivities<Activities>(SHORT);
const { retireVersion } = proxyActivities<Activities>(LONG);

export const progress = defineQuery<MigrateProgress>('progress');
export const approve = defineSignal<[string]>('approve');
export const abort = defineSignal<[string]>('abort');
export const retire = defineSignal<[string]>('retire');

/**
 * Replaces version `from` of a view by version `to`: backfills it beside the old one, compares the two,
 * waits for approval, moves the serving version, and keeps the old one until it is retired. `abort` at any time
 * before that returns to the old version at once.
 */
export async function migrate(input: MigrateInput): Promise<MigrateProgress> {
  const { project, view, from, to } = input;
  let status: MigrateProgress = {
    ...input,
    state: 'backfilling',
    serving: from,
    backfill: null,
    comparison: null,
    decisions: [],
    refused: null,
  };
  let decision: { readonly kind: 'approve' | 'abort' | 'retire'; readonly by: string } | undefined;
  setHandler(progress, () => status);
  const decide = (kind: 'approve' | 'abort' | 'retire', by: string) => {
    decision = { kind, by };
    // At once, so that whoever decided does not take the state before for the outcome.
    const state = ({ approve: 'cutting over', abort: 'aborting', retire: 'retiring' } as const)[kind];
    status = { ...status, state, decisions: [...status.decisions, `${kind} by ${by}`] };
  };
  setHandler(approve, (by) => {
    // Approving means what was compared; before that there is nothing to approve.
    if (status.state === 'waiting for approval' && decision === undefined) decide('approve', by);
  });
  const preparing = new CancellationScope();
  setHandler(abort, (by) => {
    decide('abort', by);
    preparing.cancel();
  });
  setHandler(retire, (by) => {
    if (status.state === 'soaking' && decision === undefined) decide('retire', by);
  });

  try {
    await preparing.run(async () => {
      const totals = await executeChild<typeof backfill>(backfill, {
        workflowId: `migrate/${project}/${view}/${from}-${to}/backfill`,
        args: [{ project, view, version: to, ...(input.concurrency && { concurrency: input.concurrency }) }],
      });
      status = { ...status, backfill: totals, state: 'comparing' };
      status = { ...status, comparison: await compareVersions(input), state: 'waiting for approval' };
    });
  } catch (error) {
    if (decision?.kind === 'abort' && isCancellation(error)) return { ...status, state: 'aborted' };
    throw error;
  }
  await condition(() => decision !== undefined);
  if (decision?.kind === 'abort') return { ...status, state: 'aborted' };

  const by = decision?.by ?? '';
  decision = undefined;
  await moveServingVersion({ project, view, version: to, by });
  const aborted = decision !== undefined;
  status = { ...status, state: aborted ? 'aborting' : 'soaking', serving: to };

  for (;;) {
    await condition(() => decision !== undefined);
    const { kind, by: who } = decision ?? { kind: 'abort', by: '' };
    decision = undefined;
    if (kind === 'abort') {
      await moveServingVersion({ project, view, version: from, by: who });
      return { ...status, state: 'aborted', serving: from };
    }
    try {
      await retireVersion({ project, view, version: from });
      status = { ...status, state: 'retired', refused: null };
      return status;
    } catch (error) {
      if (isCancellation(error)) throw error;
      // Somebody still reads the old version: it stays, and a person may try again.
      status = { ...status, state: 'soaking', refused: reasonOf(error) };
    }
  }
}

function reasonOf(error: unknown): string {
  const cause = error instanceof ActivityFailure ? error.cause : error;
  return cause instanceof Error ? cause.message : String(cause);
}
