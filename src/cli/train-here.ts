import { digestOf } from '../core/canonical.ts';
import type { BuildProgress, TrainInput, TrainResult } from '../orchestrate/contracts.ts';
import { trainingSetId } from '../orchestrate/ids.ts';
import { follow, startRun } from '../orchestrate/runs.ts';
import type { Session } from './context.ts';
import { createProgressBoard } from './progress.ts';

export interface TrainedHere extends TrainResult {
  readonly seconds: number;
}

/** Starts the workflow that builds a training set (or joins the one that does) and waits for it. */
export async function trainHere(
  { platform, repo, output }: Session,
  signal: AbortSignal,
  request: Pick<TrainInput, 'spine'> & Partial<Omit<TrainInput, 'project' | 'spine'>>,
): Promise<TrainedHere> {
  const { client } = await platform.temporal();
  const input: TrainInput = { knownAt: 'any', fullNames: false, ...request, project: repo.project.name };
  const began = performance.now();
  const run = await startRun<TrainInput, TrainResult, BuildProgress>(
    client,
    'trainingSet',
    trainingSetId(digestOf(input)),
    input.project,
    input,
  );
  const board = createProgressBoard(output);
  try {
    const result = await follow(
      run,
      ({ phase, share }) => board.update('training set', Math.round(share * 100), 100, phase),
      signal,
    );
    return { ...result, seconds: (performance.now() - began) / 1000 };
  } finally {
    board.stop();
  }
}
