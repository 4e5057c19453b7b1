import { setTimeout as sleep } from 'node:timers/promises';
import { bytesText } from '../src/cli/output.ts';
import type { Benchmark, Case, Outcome, Size, World } from './benchmark.ts';
import { percentileOf, startLoad } from './load-process.ts';
import { median } from './measure.ts';
import { cleanUp, prepare, startServer } from './online-read.ts';

/**
 * The HTTP server under load for minutes: whether its memory grows. What is compared is its resident memory after a
 * fifth of the time, when it is warm, and at the end.
 */
const SECONDS: Readonly<Record<Size, number>> = { tiny: 2, default: 300, large: 1800 };
const ENTITIES = 100;
const SAMPLES = 30;
/** More is growth, and fails the benchmark; what a collector leaves lying about is less. */
const MOST_GROWTH = 1.25;

export const soak: Benchmark = {
  title: 'soak',
  usesServers: true,
  runs: 1,
  prepare,
  cleanUp,
  cases: (): readonly Case[] => [{ name: `HTTP, ${ENTITIES}`, run: soaked }],
};

async function soaked(world: World, timed: <T>(work: () => Promise<T>) => Promise<T>): Promise<Outcome> {
  const seconds = SECONDS[world.size];
  const server = await startServer(world);
  const load = await startLoad(world, { url: server.url, perRequest: ENTITIES, seconds });
  const memory: number[] = [];
  const figures = await timed(async () => {
    const running = load.run();
    for (let i = 0; i < SAMPLES; i++) {
      await sleep((seconds * 1000) / SAMPLES);
      memory.push(process.memoryUsage.rss());
    }
    return await running;
  });
  await server.close();
  const warm = median(memory.slice(SAMPLES / 5, SAMPLES / 5 + 3));
  const end = median(memory.slice(-3));
  console.log(
    `resident memory: ${bytesText(warm)} after ${seconds / 5} s, ${bytesText(end)} after ${seconds} s, ` +
      `${((end / warm - 1) * 100).toFixed(1)} % more; ${figures.errors} requests were not served`,
  );
  if (end > warm * MOST_GROWTH && world.size !== 'tiny') throw new Error('the memory of the server grows');
  return {
    done: { requests: figures.latencies.length, entities: figures.latencies.length * ENTITIES },
    seconds: { p50: percentileOf(figures, 0.5), p99: percentileOf(figures, 0.99) },
  };
}
