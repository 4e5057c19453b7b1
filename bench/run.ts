// `npm run bench -- [name ...] [--tiny | --large] [--runs n] [--entities n]`: runs all benchmarks, or those named.
import { createHash } from 'node:crypto';
import { mkdtempSync, realpathSync, rmSync } from 'node:fs';
import { availableParallelism, cpus, loadavg, tmpdir, totalmem } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { bytesText } from '../src/cli/output.ts';
import { type Config, readConfig } from '../src/config.ts';
import { messageOf } from '../src/core/errors.ts';
import { type Stack, startStack } from '../src/stack/stack.ts';
import { stackStatus } from '../src/stack/stack-status.ts';
import type { Benchmark, Case, Size } from './benchmark.ts';
import { BENCHMARKS, ONLY_BY_NAME } from './benchmarks.ts';
import { inItsOwnProcess, type Measured, peakMemoryOf } from './measure.ts';
import { report } from './report.ts';

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    tiny: { type: 'boolean' },
    large: { type: 'boolean' },
    runs: { type: 'string' },
    entities: { type: 'string' },
  },
});
const size: Size = values.large ? 'large' : values.tiny ? 'tiny' : 'default';
const rounds = Number(values.runs ?? (size === 'tiny' ? 1 : 3));
const names =
  positionals.length === 0
    ? Object.keys(BENCHMARKS).filter((name) => !ONLY_BY_NAME.includes(name))
    : positionals;
const entities = values.entities === undefined ? undefined : Number(values.entities);
const unknown = names.filter((name) => !Object.hasOwn(BENCHMARKS, name));
const isCount = (number: number) => Number.isInteger(number) && number >= 1;
if (unknown.length > 0 || !isCount(rounds) || !isCount(entities ?? 1)) {
  console.error(
    `usage: npm run bench -- [${Object.keys(BENCHMARKS).join('|')} ...] [--tiny|--large] [--runs n] [--entities n]` +
      (unknown.length > 0 ? `; there is no benchmark "${unknown.join('", "')}"` : ''),
  );
  process.exit(2);
}

console.log(
  `${new Date().toISOString().slice(0, 10)}, ${availableParallelism()} × ${cpus()[0]?.model ?? 'CPU'}, ` +
    `${bytesText(totalmem())} of memory, Node ${process.versions.node}; sizes: ${size}, medians of ${rounds}, ` +
    `load before ${loadavg()[0]?.toFixed(1)}`,
);
for (const name of names) {
  const began = performance.now();
  try {
    await runBenchmark(name, await (BENCHMARKS[name] as () => Promise<Benchmark>)());
  } catch (error) {
    console.error(messageOf(error));
    process.exitCode = 1;
  }
  console.log(`(${((performance.now() - began) / 1000).toFixed(0)} s)`);
}

async function runBenchmark(name: string, benchmark: Benchmark): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'tidemark-bench-'));
  const env = {
    ...process.env,
    TIDEMARK_HOME: join(folder, 'home'),
    TIDEMARK_OFFLINE: '',
    TIDEMARK_LOG: 'silent',
  };
  const config = readConfig(env);
  let stack: Stack | undefined;
  try {
    if (benchmark.usesServers) stack = await startStack(config);
    await measureAll(name, benchmark, folder, { ...env, ...addressesOf(stack) });
    if (benchmark.usesServers) await showServers(config);
  } finally {
    await stack?.stop();
    remove(folder);
  }
}

async function measureAll(
  name: string,
  benchmark: Benchmark,
  folder: string,
  env: NodeJS.ProcessEnv,
): Promise<void> {
  const world = { folder, size, ...(entities !== undefined && { entities }) };
  const cases = benchmark.cases(size);
  const made = await inItsOwnProcess(name, 'prepare', world, env);
  console.log(`\n${benchmark.title}: ${String(made)}`);
  const runs = new Map<string, Measured[]>(cases.map((one) => [one.name, []]));
  try {
    // In turns, so that what else the machine does falls on all of them.
    for (let round = 0; round < (benchmark.runs ?? rounds); round++) {
      for (const one of benchmark.areIndependent === true ? shuffled(cases, round) : cases) {
        runs.get(one.name)?.push((await inItsOwnProcess(name, one.name, world, env)) as Measured);
      }
    }
  } finally {
    if (benchmark.cleanUp !== undefined) await inItsOwnProcess(name, 'clean up', world, env);
  }
  const answers = new Set([...runs.values()].flat().flatMap(({ answer }) => answer ?? []));
  for (const line of report(cases, runs)) console.log(line);
  if (answers.size > 1)
    throw new Error(`the cases of ${name} gave different answers: ${[...answers].join('; ')}`);
}

/** Another order each round: what a case leaves to the next, such as memory to be had again, falls on all of them. */
function shuffled(cases: readonly Case[], round: number): readonly Case[] {
  const place = ({ name }: Case) => createHash('sha256').update(`${round} ${name}`).digest('hex');
  return cases.toSorted((a, b) => (place(a) < place(b) ? -1 : 1));
}

async function showServers(config: Config): Promise<void> {
  const servers = await stackStatus(config);
  const peaks = servers.flatMap(({ name, pid }) => {
    const peak = pid === null ? undefined : peakMemoryOf(pid);
    return peak === undefined ? [] : [`${name} ${bytesText(peak)}`];
  });
  if (peaks.length > 0) console.log(`peak memory of the servers' main processes: ${peaks.join(', ')}`);
}

function addressesOf(stack: Stack | undefined): Record<string, string> {
  if (stack === undefined) return {};
  const { databaseUrl, redisUrl, temporalAddress } = stack.addresses;
  return { DATABASE_URL: databaseUrl, REDIS_URL: redisUrl, TEMPORAL_ADDRESS: temporalAddress };
}

/** Postgres' folder may be a link to one outside the home. */
function remove(folder: string): void {
  try {
    rmSync(realpathSync(join(folder, 'home/postgres')), { recursive: true, force: true });
  } catch {
    // It was given by address, or not needed.
  }
  rmSync(folder, { recursive: true, force: true });
}
