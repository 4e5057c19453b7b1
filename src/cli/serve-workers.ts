import cluster, { type Worker } from 'node:cluster';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { TidemarkError } from '../core/errors.ts';
import type { Answering } from '../server/answer-connections.ts';
import { answerMetrics } from '../server/cluster-metrics.ts';
import { openDoor } from '../server/door.ts';
import { createHandOver, takeConnections } from '../server/hand-over.ts';
import { lameDuck, type RunningServer } from '../server/serve.ts';

const TIDEMARK = fileURLToPath(new URL('../../bin/tidemark', import.meta.url));
const READY = 'tidemark:ready';
const LEAVE = 'tidemark:leave';
const END = 'tidemark:end';
/** With the registry's revision after it: another process may find the functions that were applied. */
const OUTDATED = 'tidemark:outdated ';
/** A worker that lived longer than this was well; the next one that dies is replaced at once again. */
const WELL_MILLIS = 30_000;
const LONGEST_WAIT_MILLIS = 10_000;
/** A worker that does not end by itself within this is killed; it cuts its last connections off before. */
const DRAIN_MILLIS = 30_000;
/** A worker that does not take its connections for so long is not waited for; one that is busy takes them in between. */
const SETTLE_MILLIS = 15_000;

export interface WorkersRequest {
  readonly count: number;
  /** What each worker runs: the arguments of `tidemark serve`. */
  readonly args: readonly string[];
  /** Beside this process's own. */
  readonly env: Readonly<Record<string, string>>;
  readonly host: string;
  /** 0 for any free one. */
  readonly port: number;
  /** How long `close` goes on letting connections in, while /health is 503. */
  readonly graceMillis: number;
  readonly say: (line: string) => void;
}

/**
 * Processes that share a port, each a whole server but for the port: this process lets connections in and hands them
 * out. A worker that dies is replaced, ever later when it keeps dying; when functions were applied that workers have not
 * loaded, all are replaced, one after the other. Resolves when all have been ready; CONFIG_INVALID when one ends before
 * it is (it has said why itself), or the address cannot be used.
 */
export async function serveWorkers(request: WorkersRequest): Promise<RunningServer> {
  const { count, args, env, host, port, graceMillis, say } = request;
  cluster.setupPrimary({ exec: TIDEMARK, args: [...args] });
  answerMetrics();
  const handOver = createHandOver();
  const alive = new Set<Worker>();
  const waits = new Set<NodeJS.Timeout>();
  /** Their end is wanted, or dealt with by who waits: for them to be ready, or for who takes their place. */
  const expendable = new Set<Worker>();
  let allReady = () => {};
  /** What is told before all are ready is dealt with then. */
  let renewing = new Promise<void>((resolve) => {
    allReady = resolve;
  });
  let renewedAt = 0;
  let closing = false;
  let deaths = 0;

  const start = (): Worker => {
    const worker = cluster.fork(env);
    const startedAt = performance.now();
    alive.add(worker);
    worker.on('message', (message) => {
      if (message === READY) handOver.add(worker);
      if (typeof message !== 'string' || !message.startsWith(OUTDATED)) return;
      const revision = Number(message.slice(OUTDATED.length));
      // Once for each: where the files are not those that were applied, another process finds the same.
      if (revision <= renewedAt) return;
      renewedAt = revision;
      renewing = renewing.then(renew);
    });
    worker.once('exit', (code, signal) => {
      alive.delete(worker);
      if (closing || expendable.delete(worker)) return;
      deaths = performance.now() - startedAt > WELL_MILLIS ? 0 : deaths + 1;
      const wait = deaths === 0 ? 0 : Math.min(100 * 2 ** (deaths - 1), LONGEST_WAIT_MILLIS);
      say(`Worker ${worker.process.pid} ended with ${signal ?? code}; another starts in ${wait} ms.`);
      const timer = setTimeout(() => {
        waits.delete(timer);
        start();
      }, wait);
      waits.add(timer);
    });
    return worker;
  };
  /** Until it is ready, its end is the caller's matter; after that it is replaced like any. */
  const startReady = async (): Promise<Worker> => {
    const worker = start();
    expendable.add(worker);
    await ready(worker);
    expendable.delete(worker);
    return worker;
  };
  const renew = async () => {
    if (closing) return;
    say('Functions of on-demand views were applied: workers are replaced one after the other, to load them.');
    for (const old of [...alive]) {
      if (closing) return;
      // One that ended by itself has been replaced by one that loads them.
      if (!alive.has(old)) continue;
      // The next takes its place, also when it ends by itself before that is ready.
      expendable.add(old);
      const next = await startReady().catch(() => undefined);
      if (closing) return;
      if (next === undefined) {
        say('A worker ended before it was ready: the others go on as they are.');
        if (!expendable.delete(old)) start();
        return;
      }
      handOver.remove(old);
      await ended(old);
    }
  };
  const endAll = async () => {
    closing = true;
    for (const wait of waits) clearTimeout(wait);
    await Promise.all([...alive].map(ended));
  };

  try {
    await Promise.all(Array.from({ length: count }, startReady));
    const onError = (error: Error) => say(`A connection could not be let in: ${error.message}.`);
    const door = await openDoor({ host, port, take: handOver.take, onError });
    allReady();
    return {
      url: door.url,
      async close() {
        const leave = () => {
          for (const worker of alive) tell(worker, LEAVE);
        };
        await lameDuck(graceMillis, leave);
        await door.close();
        leave();
        await handOver.settled(SETTLE_MILLIS);
        await endAll();
      },
    };
  } catch (error) {
    await endAll();
    throw error;
  }
}

/** In a worker, when it can answer: takes connections, and sends clients away when the primary says so. */
export function obeyPrimary({ take, leave }: Answering): void {
  takeConnections(take);
  process.on('message', (message) => {
    if (message === LEAVE) leave();
  });
  process.send?.(READY, undefined, undefined, ignoreLoss);
}

/** In a worker, at any time. */
export function tellOutdated(revision: number): void {
  process.send?.(`${OUTDATED}${revision}`, undefined, undefined, ignoreLoss);
}

/**
 * In a worker: aborted when the primary says so, or is gone. Signals are the primary's matter: those of a terminal or
 * of a service manager reach the worker too, while it still has connections to answer.
 */
export function toldToEnd(): AbortSignal {
  const told = new AbortController();
  // Otherwise a worker whose primary is gone would end at once, in the middle of its answers.
  if (cluster.worker !== undefined) cluster.worker.exitedAfterDisconnect = true;
  process.on('message', (message) => {
    if (message === END) told.abort();
  });
  process.once('disconnect', () => told.abort());
  return told.signal;
}

function ready(worker: Worker): Promise<void> {
  return new Promise((resolve, reject) => {
    worker.on('message', (message) => {
      if (message === READY) resolve();
    });
    worker.once('exit', () =>
      reject(new TidemarkError('CONFIG_INVALID', 'Cannot serve: a worker ended before it was ready.')),
    );
  });
}

/** One that ends at this very moment does not hear it; its `exit` says the rest. */
function tell(worker: Worker, message: string): void {
  if (worker.isConnected()) worker.send(message, ignoreLoss);
}

function ignoreLoss(): void {}

async function ended(worker: Worker): Promise<void> {
  if (worker.isDead()) return;
  const exited = once(worker, 'exit');
  tell(worker, END);
  const timer = setTimeout(() => worker.process.kill('SIGKILL'), DRAIN_MILLIS);
  await exited;
  clearTimeout(timer);
}
