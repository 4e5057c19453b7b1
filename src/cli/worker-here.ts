import { hasWorker } from '../orchestrate/pollers.ts';
import type { Session } from './context.ts';

/** Runs a worker in this process. */
export async function runWorkerHere({ platform, repo, output }: Session, { brief = false } = {}) {
  const log = (line: string) => output.say(line);
  // Loaded when needed: the worker brings a bundler and native code.
  const { startWorker } = await import('../orchestrate/worker.ts');
  return await startWorker({
    settings: { ...platform.config, temporalAddress: platform.addresses.temporalAddress },
    project: repo.project.name,
    deps: await platform.activityDeps({ onDemand: repo.onDemand, log }),
    onWarning: log,
    brief,
  });
}

/** Does something that needs a worker: with the one that runs, else with one in this process meanwhile. */
export async function withWorker<T>(session: Session, work: () => Promise<T>): Promise<T> {
  const { client } = await session.platform.temporal();
  if (await hasWorker(client, session.repo.project.name)) return await work();
  session.output.say('No worker is running for this project: this process works until it is done.');
  const worker = await runWorkerHere(session, { brief: true });
  try {
    // A worker that dies would leave us waiting for ever.
    return await Promise.race([work(), worker.finished.then(() => neverWhileWorking())]);
  } finally {
    await worker.stop();
  }
}

function neverWhileWorking(): Promise<never> {
  return new Promise(() => {});
}
