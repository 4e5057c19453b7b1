import cluster, { type Worker } from 'node:cluster';
import { once } from 'node:events';
import { join } from 'node:path';
import type { Benchmark, Case, Outcome, Size, World } from './benchmark.ts';
import { canLimitCpu, limitCpu } from './cpu-share.ts';
import { percentileOf, startLoad } from './load-process.ts';
import { cleanUp, prepare } from './online-read.ts';

/**
 * Server processes behind one port. The clients and Redis take their share of the same cores, so on few of them whole
 * processes cannot add up; each held to a part of a core they can.
 */
const WORKERS: Readonly<Record<Size, readonly number[]>> = {
  tiny: [1, 2],
  default: [1, 2, 4],
  large: [1, 2, 4, 8],
};
const SECONDS: Readonly<Record<Size, number>> = { tiny: 0.2, default: 3, large: 10 };
const ENTITIES = 100;
const SHARE = 0.125;

export const serveWorkers: Benchmark = {
  title: 'serve --workers',
  usesServers: true,
  prepare,
  cleanUp,
  cases: (size) => [
    ...WORKERS[size].map((count) => workersCase(count, 1)),
    ...(canLimitCpu() ? WORKERS[size].map((count) => workersCase(count, SHARE)) : []),
  ],
};

function nameOf(count: number, share: number): string {
  const what = share === 1 ? '' : `, ${share} of a core each`;
  return `HTTP, ${ENTITIES}, ${count} ${count === 1 ? 'worker' : 'workers'}${what}`;
}

function workersCase(count: number, share: number): Case {
  return {
    name: nameOf(count, share),
    ...(count > 1 && { against: nameOf(1, share) }),
    async run(world, timed): Promise<Outcome> {
      const { port, stop } = await startWorkers(world, count, share);
      const url = `http://127.0.0.1:${port}`;
      const load = await startLoad(world, { url, perRequest: ENTITIES, seconds: SECONDS[world.size] });
      const figures = await timed(load.run);
      await stop();
      if (figures.errors > 0) throw new Error(`${figures.errors} requests were not served`);
      return {
        done: { requests: figures.latencies.length, entities: figures.latencies.length * ENTITIES },
        seconds: { p50: percentileOf(figures, 0.5), p99: percentileOf(figures, 0.99) },
      };
    },
  };
}

async function startWorkers(world: World, count: number, share: number) {
  cluster.setupPrimary({
    exec: join(import.meta.dirname, 'http-worker.ts'),
    args: [JSON.stringify(world)],
  });
  const workers = Array.from({ length: count }, () => cluster.fork());
  const ports = await Promise.all(workers.map(portOf));
  const limits = share === 1 ? [] : workers.map(({ process: { pid = 0 } }) => limitCpu(pid, share));
  return {
    port: ports[0],
    async stop() {
      await Promise.all(
        workers.map(async (worker) => {
          const exited = once(worker, 'exit');
          worker.process.kill('SIGKILL');
          await exited;
        }),
      );
      for (const lift of limits) lift();
    },
  };
}

function portOf(worker: Worker): Promise<number> {
  return new Promise((resolve) => worker.once('listening', ({ port }) => resolve(port)));
}
