// Started by measure.ts: one step of one benchmark, in this process alone.
import { spawnSync } from 'node:child_process';
import type { Stopwatch, World } from './benchmark.ts';
import { BENCHMARKS } from './benchmarks.ts';
import { type Measured, peakMemory } from './measure.ts';

const [name = '', step = '', text = ''] = process.argv.slice(2);
const world = JSON.parse(text) as World;
const benchmark = await BENCHMARKS[name]?.();
if (benchmark === undefined) throw new Error(`there is no benchmark "${name}"`);
process.send?.(await run());
process.disconnect();

async function run(): Promise<unknown> {
  switch (step) {
    case 'prepare':
      return await benchmark?.prepare(world);
    case 'clean up':
      await benchmark?.cleanUp?.(world);
      return true;
    default:
      return await runCase();
  }
}

async function runCase(): Promise<Measured> {
  const found = benchmark?.cases(world.size).find((one) => one.name === step);
  if (found === undefined) throw new Error(`benchmark ${name} has no case "${step}"`);
  const figures = { elapsed: 0, processor: 0, peak: 0, before: 0 };
  const timed: Stopwatch = async (work) => {
    // What was written before is on the disk first: a case that waits for its own file would wait for that too.
    spawnSync('sync');
    figures.before = process.memoryUsage.rss();
    const used = process.cpuUsage();
    const began = performance.now();
    const result = await work();
    figures.elapsed = (performance.now() - began) / 1000;
    const { user, system } = process.cpuUsage(used);
    figures.processor = (user + system) / 1e6;
    figures.peak = peakMemory();
    return result;
  };
  const outcome = await found.run(world, timed);
  return { ...outcome, ...figures };
}
