import type { BuildProgress, TrainResult } from '../orchestrate/contracts.ts';
import { trainingSetId } from '../orchestrate/ids.ts';
import { followBuild, startRun } from '../orchestrate/runs.ts';
import { planTrainingSet } from '../training/plan-training-set.ts';
import type { TrainingSetRequest } from '../training/training-set.ts';
import type { Session } from './context.ts';
import { createProgressBoard } from './progress.ts';

export interface TrainedHere extends TrainResult {
  readonly seconds: number;
}

/**
 * Starts the workflow that builds a training set and waits for it. The workflow is named by the set's manifest, so
 * a mistake in the request is told before anything starts, and the same set asked for twice is built once.
 */
export async function trainHere(
  { platform, repo, output }: Session,
  signal: AbortSignal,
  asked: Omit<TrainingSetRequest, 'project'>,
): Promise<TrainedHere> {
  const request: TrainingSetRequest = { ...asked, project: repo.project.name };
  const { asOf } = await platform.offline();
  const began = performance.now();
  const { id } = await planTrainingSet(request, {
    registry: await platform.registry(),
    ledger: await platform.ledger(),
    asOf,
    onDemand: repo.onDemand,
  });
  const { client } = await platform.temporal();
  const run = await startRun<TrainingSetRequest, TrainResult, never>(
    client,
    'trainingSet',
    trainingSetId(id),
    request.project,
    request,
  );
  const board = createProgressBoard(output);
  const show = ({ phase, share }: BuildProgress) =>
    board.update('training set', Math.round(share * 100), 100, `% ${phase}`);
  try {
    const result = await followBuild(client, run, show, signal);
    return { ...result, seconds: (performance.now() - began) / 1000 };
  } finally {
    board.stop();
  }
}
