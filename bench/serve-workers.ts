import cluster, { type Worker } from 'node:cluster';
import { once } from 'node:events';
import { join } from 'node:path';
import type { Benchmark, Case, Outcome, Size, World } from './benchmark.ts';
import { percentileOf, startLoad } from './load-process.ts';
import { cleanUp, prepare } from './online-read.ts';

/** Processes that share a port, as `serve --workers` starts them; the clients take a share of the same cores. */
const WORKERS: Readonly<Record<Size, readonly number[]>> = {
  tiny: [1, 2],
  default: [1, 2, 4],
  large: [1, 2, 4, 8],
};
const SECONDS: Readonly<Record<Size, number>> = { tiny: 0.2, default: 3, large: 10 };
const ENTITIES = 100;

export const serveWorkers: Benchmark = {
  title: 'serve --workers',
  usesServers: true,
  prepare,
  cleanUp,
  cases: (size) => WORKERS[size].map((count) => workersCase(count)),
};

function workersCase(count: number): Case {
  return {
    name: `HTTP, ${ENTITIES}, ${count} ${count === 1 ? 'worker' : 'workers'}`,
    ...(count > 1 && { against: `HTTP, ${ENTITIES}, 1 worker` }),
    async run(world, timed): Promise<Outcome> {
      const { port, stop } = await startWorkers(world, count);
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

async function startWorkers(world: World, count: number) {
  cluster.setupPrimary({
    exec: join(import.meta.dirname, 'http-worker.ts'),
    args: [JSON.stringify(world)],
  });
  const workers = Array.from({ length: count }, () => cluster.fork());
  const ports = await Promise.all(workers.map(portOf));
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
    },
  };
}

function portOf(worker: Worker): Promise<number> {
  return new Promise((resolve) => worker.once('listening', ({ port }) => resolve(port)));
}
