import type { Interval } from '../src/core/interval.ts';
import { scheduleOf } from '../src/core/schedule.ts';
import { durationOf } from '../src/core/time.ts';
import { type MaterializeProgress, materializeRange } from '../src/materialize/materialize-range.ts';
import { planChunks } from '../src/materialize/plan-chunks.ts';
import { onlineTableOf } from '../src/online/online-table.ts';
import type { Benchmark, Case, Outcome, World } from './benchmark.ts';
import { type BenchProject, benchProject, lastDays } from './project.ts';
import {
  COLLECTIONS,
  PASS_THROUGH,
  type ShopSize,
  shopDefinitions,
  sizeInWords,
  WINDOWS,
  writeOrders,
} from './shop.ts';

/**
 * The one path of every run without Temporal: claim, compute, check, publish to Redis, commit. Few users by the
 * hour, where nearly all rows are history; and many users by the day, where publishing weighs more.
 */
const SIZES: Readonly<Record<World['size'], Readonly<Record<'hourly' | 'daily', ShopSize>>>> = {
  tiny: { hourly: { orders: 1_000, users: 10, days: 2 }, daily: { orders: 1_000, users: 100, days: 2 } },
  default: {
    hourly: { orders: 200_000, users: 500, days: 28 },
    daily: { orders: 400_000, users: 50_000, days: 28 },
  },
  large: {
    hourly: { orders: 5_000_000, users: 5_000, days: 90 },
    daily: { orders: 5_000_000, users: 500_000, days: 28 },
  },
};
const SCHEDULES = { hourly: '0 * * * *', daily: '0 0 * * *' } as const;

export const materialize: Benchmark = {
  title: 'materialization',
  usesServers: true,
  async prepare(world) {
    const sizes = SIZES[world.size];
    await writeOrders(world, 'hourly', sizes.hourly);
    await writeOrders(world, 'daily', sizes.daily);
    return `hourly ${sizeInWords(sizes.hourly)}; daily ${sizeInWords(sizes.daily)}`;
  },
  cases: () => [
    materializing('hourly windows', 'hourly', WINDOWS),
    materializing('daily windows', 'daily', WINDOWS),
    materializing('daily, lists and modes', 'daily', COLLECTIONS),
    materializing('daily, pass through', 'daily', PASS_THROUGH),
  ],
};

function materializing(name: string, kind: 'hourly' | 'daily', features: string): Case {
  return {
    name,
    async run(world, timed) {
      const { days } = SIZES[world.size][kind];
      const project = await benchProject(
        world,
        shopDefinitions('spend', { orders: kind, days, schedule: SCHEDULES[kind], features }),
      );
      const outcome = await timed(() => materializeAll(project, 'spend', lastDays(days)));
      const online = await project.platform.online();
      await online.drop(onlineTableOf(project.name, project.view('spend')));
      await project.close();
      return outcome;
    },
  };
}

/** Plans and materializes what is missing of a range, chunk by chunk, in this process. */
export async function materializeAll(
  { name, platform, view: viewOf }: BenchProject,
  viewName: string,
  range: Interval,
): Promise<Outcome> {
  const view = viewOf(viewName);
  const { sources, computer, reader } = await platform.offline();
  const deps = {
    ledger: await platform.ledger(),
    online: await platform.online(),
    clock: platform.clock,
    computer,
    reader,
  };
  const { chunks } = await planChunks(
    { project: name, view, range, restate: false, now: platform.clock() },
    { ledger: deps.ledger, sources, late: { lateRanges: async () => [] } },
  );
  const phases = phaseTimer();
  let rows = 0;
  let published = 0;
  let intervals = 0;
  for (const chunk of chunks) {
    const outcome = await materializeRange(
      {
        project: name,
        view,
        range: chunk,
        restate: false,
        owner: platform.identity,
        runId: name,
        leaseFor: durationOf('15s'),
        onProgress: phases.enter,
      },
      deps,
    );
    phases.leave();
    if (outcome.kind !== 'materialized') throw new Error(`a chunk was ${outcome.kind}`);
    rows += outcome.rows;
    published += outcome.published;
    intervals += scheduleOf(view.schedule).ticks(chunk.start, chunk.end).length - 1;
  }
  return { done: { rows, intervals, 'entities published': published }, seconds: phases.seconds };
}

/** How long computing took, and all that comes after it: reading the newest rows back, Redis, the commit. */
function phaseTimer() {
  const seconds: Record<string, number> = {};
  let phase: string | undefined;
  let since = 0;
  const leave = () => {
    if (phase !== undefined) seconds[phase] = (seconds[phase] ?? 0) + (performance.now() - since) / 1000;
    phase = undefined;
  };
  const enter = (progress: MaterializeProgress) => {
    const entered = progress.phase === 'computing' ? 'computing' : 'publishing';
    if (progress.phase === 'waiting' || entered === phase) return;
    leave();
    phase = entered;
    since = performance.now();
  };
  return { seconds, enter, leave };
}
