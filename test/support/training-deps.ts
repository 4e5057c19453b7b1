import type { TrainingDeps } from '../../src/training/training-set.ts';
import type { TestProject } from './project.ts';

/** What training sets of the project are built with. */
export async function trainingDeps({ platform, repo }: TestProject): Promise<TrainingDeps> {
  return {
    ...(await platform.offline()),
    registry: await platform.registry(),
    ledger: await platform.ledger(),
    onDemand: repo.onDemand,
    clock: platform.clock,
    offlineRoot: platform.config.offline,
  };
}
