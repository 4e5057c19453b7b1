import type { BuildProgress, TrainResult } from '../orchestrate/contracts.ts';
import { trainingSetId } from '../orchestrate/ids.ts';
import { followBuild, type Run, startRun } from '../orchestrate/runs.ts';
import { planTrainingSet } from '../training/plan-training-set.ts';
import type { TrainingSetRequest } from '../training/training-set.ts';
import type { Session } from './context.ts';
import { countText } from './output.ts';
import { createProgressBoard } from './progress.ts';

export interface TrainedHere extends TrainResult {
  readonly seconds: number;
}

/**
 * Starts the workflow that builds a training set. It is named by the set's manifest, so a mistake in the request is
 * told before anything starts, and a set that is asked for while it is built is not built twice.
 */
export async function startTraining(
  { platform, repo }: Session,
  asked: Omit<TrainingSetRequest, 'project'>,
): Promise<Run<TrainResult, never>> {
  const request: TrainingSetRequest = { ...asked, project: repo.project.name };
  const { asOf } = await platform.offline();
  const { id } = await planTrainingSet(request, {
    registry: await platform.registry(),
    ledger: await platform.ledger(),
    asOf,
    onDemand: repo.onDemand,
    offlineRoot: platform.config.offline,
  });
  const { client } = await platform.temporal();
  return await startRun(client, 'trainingSet', trainingSetId(id), request.project, request);
}

/** Starts the build of a training set and waits for it. */
export async function trainHere(
  session: Session,
  signal: AbortSignal,
  asked: Omit<TrainingSetRequest, 'project'>,
): Promise<TrainedHere> {
  const { client } = await session.platform.temporal();
  const began = performance.now();
  const run = await startTraining(session, asked);
  session.output.say(`${run.id} is running.`);
  const board = createProgressBoard(session.output);
  try {
    const show = (progress: BuildProgress) =>
      board.update('training set', Math.round(progress.share * 100), 100, progressText(progress));
    let result = await followBuild(client, run, show, signal);
    // The run that was found at work may have been asked for without the page.
    if (asked.statistics === true && result.statistics === undefined) {
      result = await followBuild(client, await startTraining(session, asked), show, signal);
    }
    return { ...result, seconds: (performance.now() - began) / 1000 };
  } finally {
    board.stop();
  }
}

function progressText({ phase, rows }: BuildProgress): string {
  return `% ${phase}${rows === undefined ? '' : `, ${countText(rows.done)} of ${countText(rows.total)} rows`}`;
}
