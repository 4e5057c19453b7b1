import cluster, { type Worker } from 'node:cluster';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { TidemarkError } from '../core/errors.ts';
import { answerMetrics } from '../server/cluster-metrics.ts';
import type { RunningServer } from '../server/serve.ts';

const TIDEMARK = fileURLToPath(new URL('../../bin/tidemark', import.meta.url));
const STOP_ACCEPTING = 'tidemark:stop-accepting';
const STOPPED = 'tidemark:stopped';
const DRAIN = 'tidemark:drain';
/** A worker that lived longer than this was well; the next one that dies is replaced at once again. */
const WELL_MILLIS = 30_000;
const LONGEST_WAIT_MILLIS = 10_000;
/** A worker that does not end by itself within this is killed. */
const DRAIN_MILLIS = 30_000;
/** One that does not listen to the primary is not waited for. */
const STOP_MILLIS = 2000;

export interface WorkersRequest {
  readonly count: number;
  /** What each worker runs: the arguments of `tidemark serve`. */
  readonly args: readonly string[];
  /** Beside this process's own. */
  readonly env: Readonly<Record<string, string>>;
  readonly host: string;
  readonly say: (line: string) => void;
}

/**
 * Processes that share a port, each a whole server. One that dies is replaced, ever later when it keeps dying.
 * Resolves when all listen; CONFIG_INVALID when one ends before that (it has said why itself).
 */
export async function serveWorkers(request: WorkersRequest): Promise<Pick<RunningServer, 'url' | 'close'>> {
  const { count, args, env, host, say } = request;
  cluster.setupPrimary({ exec: TIDEMARK, args: [...args] });
  answerMetrics();
  const alive = new Set<Worker>();
  const waits = new Set<NodeJS.Timeout>();
  let isUp = false;
  let closing = false;
  let deaths = 0;

  const start = (): Worker => {
    const worker = cluster.fork(env);
    const startedAt = performance.now();
    alive.add(worker);
    worker.once('exit', (code, signal) => {
      alive.delete(worker);
      if (closing || !isUp) return;
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
  const close = async () => {
    closing = true;
    for (const wait of waits) clearTimeout(wait);
    // First nobody listens any more. Who is told to connect anew before that may be handed to a worker that has just
    // stopped listening, and is lost.
    await Promise.all([...alive].map(stopped));
    await Promise.all([...alive].map(drained));
  };

  const port = await Promise.all(Array.from({ length: count }, () => listening(start()))).catch(
    async (error: unknown) => {
      await close();
      throw error;
    },
  );
  isUp = true;
  return { url: `http://${host.includes(':') ? `[${host}]` : host}:${port[0]}`, close };
}

/** In a worker: does what the primary says before it ends. */
export function obeyPrimary(server: Pick<RunningServer, 'stopAccepting'>): void {
  process.on('message', (message) => {
    if (message !== STOP_ACCEPTING) return;
    server.stopAccepting();
    process.send?.(STOPPED, undefined, undefined, ignoreLoss);
  });
}

/** In a worker: aborted when the primary says so, or is gone. */
export function toldToDrain(): AbortSignal {
  const told = new AbortController();
  // Otherwise a worker whose primary is gone would end at once, in the middle of its answers.
  if (cluster.worker !== undefined) cluster.worker.exitedAfterDisconnect = true;
  process.on('message', (message) => {
    if (message === DRAIN) told.abort();
  });
  process.once('disconnect', () => told.abort());
  return told.signal;
}

function listening(worker: Worker): Promise<number> {
  return new Promise((resolve, reject) => {
    worker.once('listening', ({ port }) => resolve(port));
    worker.once('exit', () =>
      reject(new TidemarkError('CONFIG_INVALID', 'Cannot serve: a worker ended before it listened.')),
    );
  });
}

/** One that ends at this very moment does not hear it; its `exit` says the rest. */
function tell(worker: Worker, message: string): void {
  if (worker.isConnected()) worker.send(message, ignoreLoss);
}

function ignoreLoss(): void {}

async function stopped(worker: Worker): Promise<void> {
  if (worker.isDead() || !worker.isConnected()) return;
  await new Promise<void>((resolve) => {
    const timer = setTimeout(resolve, STOP_MILLIS);
    const done = () => {
      clearTimeout(timer);
      resolve();
    };
    worker.once('exit', done);
    worker.on('message', (message) => {
      if (message === STOPPED) done();
    });
    tell(worker, STOP_ACCEPTING);
  });
}

/** Told over its own channel: a signal of the terminal has reached it already, and a second one would mean "now". */
async function drained(worker: Worker): Promise<void> {
  if (worker.isDead()) return;
  const exited = once(worker, 'exit');
  tell(worker, DRAIN);
  const timer = setTimeout(() => worker.process.kill('SIGKILL'), DRAIN_MILLIS);
  await exited;
  clearTimeout(timer);
}
