import { formatTime } from '../src/core/time.ts';
import { onlineTableOf } from '../src/online/online-table.ts';
import { startBackfill } from '../src/orchestrate/runs.ts';
import { startWorker } from '../src/orchestrate/worker.ts';
import type { Benchmark, Case, Outcome, Size } from './benchmark.ts';
import { materializeAll } from './materialize.ts';
import { type BenchProject, benchProject, lastDays } from './project.ts';
import { type ShopSize, shopDefinitions, sizeInWords, WINDOWS, writeOrders } from './shop.ts';

/**
 * A past of many short intervals through Temporal (the worker in the measured process), against the same chunks in a
 * plain loop: the difference is what being durable costs. The worker is there before the time begins, as it is in
 * service.
 */
const SIZES: Readonly<Record<Size, ShopSize>> = {
  tiny: { orders: 2_000, users: 5, days: 2 },
  default: { orders: 200_000, users: 50, days: 90 },
  large: { orders: 2_000_000, users: 200, days: 365 },
};
const SCHEDULE = '*/15 * * * *';

export const backfill: Benchmark = {
  title: 'backfill',
  usesServers: true,
  async prepare(world) {
    const size = SIZES[world.size];
    await writeOrders(world, 'orders', size);
    return `${sizeInWords(size)}, intervals of a quarter of an hour`;
  },
  cases: () => [
    backfilling('Temporal', (project, days) => throughTemporal(project, days, 1), 'loop'),
    backfilling('Temporal, two chunks at once', (project, days) => throughTemporal(project, days, 2), 'loop'),
    backfilling('loop', async (project, days) => ({
      run: () => materializeAll(project, 'spend', lastDays(days)),
      stop: async () => {},
    })),
  ],
};

/** Something that is set up, run once, and put away. */
interface Prepared {
  run(): Promise<Outcome>;
  stop(): Promise<void>;
}

function backfilling(
  name: string,
  setUp: (project: BenchProject, days: number) => Promise<Prepared>,
  against?: string,
): Case {
  return {
    name,
    ...(against !== undefined && { against }),
    async run(world, timed) {
      const { days } = SIZES[world.size];
      const project = await benchProject(
        world,
        shopDefinitions('spend', { orders: 'orders', days, schedule: SCHEDULE, features: WINDOWS }),
      );
      const prepared = await setUp(project, days);
      const { done } = await timed(() => prepared.run());
      await prepared.stop();
      const online = await project.platform.online();
      await online.drop(onlineTableOf(project.name, project.view('spend')));
      await project.close();
      return { done };
    },
  };
}

async function throughTemporal(
  { name, platform, repo, manifest }: BenchProject,
  days: number,
  concurrency: number,
): Promise<Prepared> {
  // Without schedules: they would ask for the same work.
  const registry = await platform.registry();
  await registry.apply({ manifest, baseRevision: 0, by: 'bench', commit: null, now: platform.clock() });
  const log = (line: string) => console.error(line);
  const worker = await startWorker({
    settings: { ...platform.config, temporalAddress: platform.addresses.temporalAddress },
    project: name,
    deps: await platform.activityDeps({ onDemand: repo.onDemand, log }),
    onWarning: log,
  });
  const { client } = await platform.temporal();
  const { start, end } = lastDays(days);
  return {
    async run() {
      const { result } = await startBackfill(client, {
        project: name,
        view: 'spend',
        version: 1,
        range: { start: formatTime(start), end: formatTime(end) },
        concurrency,
      });
      const { rows, intervals, published, failed } = await result();
      if (failed.length > 0) throw new Error(`chunks failed: ${failed[0]?.message}`);
      return { done: { rows, intervals, 'entities published': published } };
    },
    stop: () => worker.stop(),
  };
}
