import { setTimeout as sleep } from 'node:timers/promises';
import { hasWorker } from '../orchestrate/pollers.ts';
import type { RunningWorker } from '../orchestrate/worker.ts';
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

/** How often it is looked whether those who work for a project are still there. */
const LOOK_MILLIS = 5_000;

/**
 * Does something that needs a worker: with the one that runs, else with one in this process meanwhile. The one that
 * runs may go away before the work is done: from then on this process works.
 */
export async function withWorker<T>(session: Session, work: () => Promise<T>): Promise<T> {
  const { client } = await session.platform.temporal();
  const done = new AbortController();
  const worker = (await hasWorker(client, session.repo.project.name))
    ? workOnceAlone(session, done.signal)
    : Promise.resolve(await workMeanwhile(session, 'No worker is running for this project'));
  try {
    // A worker that dies would leave us waiting for ever.
    const failed = worker.then((started) => started?.finished).then(() => neverWhileWorking());
    return await Promise.race([work(), failed]);
  } finally {
    done.abort();
    await (await worker.catch(() => undefined))?.stop();
  }
}

/** A worker in this process when the others are gone; undefined when `done` comes first. */
async function workOnceAlone(session: Session, done: AbortSignal): Promise<RunningWorker | undefined> {
  const { client } = await session.platform.temporal();
  let others = true;
  while (others) {
    await sleep(LOOK_MILLIS, undefined, { signal: done }).catch(() => undefined);
    if (done.aborted) return undefined;
    // A server that does not answer now says nothing about the workers.
    others = await hasWorker(client, session.repo.project.name).catch(() => true);
  }
  return done.aborted ? undefined : await workMeanwhile(session, 'The worker of this project is gone');
}

async function workMeanwhile(session: Session, why: string): Promise<RunningWorker> {
  session.output.say(`${why}: this process works until it is done.`);
  return await runWorkerHere(session, { brief: true });
}

function neverWhileWorking(): Promise<never> {
  return new Promise(() => {});
}
