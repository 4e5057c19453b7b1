import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll } from 'vitest';
import { applyRepo } from '../../src/cli/commands/apply.ts';
import type { Session } from '../../src/cli/context.ts';
import { createOutput } from '../../src/cli/output.ts';
import { compose } from '../../src/compose.ts';
import { readConfig } from '../../src/config.ts';
import { batchViews, type Manifest } from '../../src/core/manifest.ts';
import { formatTime, type Micros, micros, systemClock } from '../../src/core/time.ts';
import { materializeId, trainingSetScheduleId } from '../../src/orchestrate/ids.ts';
import { loadRepo } from '../../src/repo/load-repo.ts';
import { featureRepo, writeRows } from './feature-repo.ts';
import { services, testDatabase, uniqueName } from './services.ts';

const cleanups: (() => Promise<unknown>)[] = [];

afterAll(async () => {
  for (const cleanup of cleanups.splice(0).toReversed()) await cleanup();
});

export interface TestProject extends Session {
  readonly name: string;
  /** The environment that a process of its own needs to work on this project. */
  readonly env: Readonly<Record<string, string>>;
  readonly home: string;
}

export interface ProjectOptions {
  /** The text of `definitions.ts`; `<project>` is replaced by its name, `<start>` and `<end>` by its days. */
  readonly definitions: string;
  /** Source files by path: queries that give their rows, with `<start>` and `<end>` replaced. */
  readonly data: Readonly<Record<string, string>>;
  readonly days?: number;
}

const DAY = 86_400_000_000n;

/** A project of its own on the real servers: its own database, its own keys, its own task queue. */
export async function testProject({ definitions, data, days = 10 }: ProjectOptions): Promise<TestProject> {
  const name = uniqueName('project');
  const home = await mkdtemp(join(tmpdir(), 'tidemark-home-'));
  cleanups.push(() => rm(home, { recursive: true, force: true }));
  const now = systemClock();
  const end = now - (now % DAY);
  const start = micros(end - BigInt(days) * DAY);
  const placed = (text: string) =>
    text
      .replaceAll('<project>', name)
      .replaceAll('<start>', iso(start))
      .replaceAll('<end>', iso(micros(end)));
  const dir = await featureRepo({ 'definitions.ts': placed(definitions) });
  for (const [path, query] of Object.entries(data)) await writeRows(join(dir, path), placed(query));
  const { redisUrl, temporalAddress } = services();
  const env = {
    DATABASE_URL: await testDatabase('project'),
    REDIS_URL: redisUrl,
    TEMPORAL_ADDRESS: temporalAddress,
    TIDEMARK_HOME: home,
    TIDEMARK_REPO: dir,
    TIDEMARK_USER: 'tester',
    TIDEMARK_LOG: 'silent',
  };
  const config = readConfig(env);
  const repo = await loadRepo(dir);
  const addresses = { databaseUrl: env.DATABASE_URL, redisUrl, temporalAddress };
  const platform = compose({ config, addresses, baseDir: repo.dir });
  cleanups.push(() => platform.close());
  return { name, env, home, platform, repo, output: createOutput(process, true) };
}

function iso(time: Micros): string {
  return formatTime(time);
}

/**
 * A test project whose definitions are applied. Its schedules end with the test file, and fire when the test asks
 * them to: one that fires of itself, for a minute or an hour ends just now, does the test's work before the test.
 */
export async function appliedProject(options: ProjectOptions): Promise<TestProject> {
  const project = await testProject(options);
  const { plan } = await applyRepo(project);
  cleanups.push(() => removeSchedules(project));
  await holdSchedules(project, plan.manifest);
  return project;
}

async function holdSchedules({ platform, name }: TestProject, manifest: Manifest): Promise<void> {
  const { client } = await platform.temporal();
  const ids = [
    ...batchViews(manifest).map((view) =>
      materializeId({ project: name, view: view.name, version: view.version }),
    ),
    ...manifest.trainingSetSchedules.map((set) => trainingSetScheduleId(name, set.name)),
  ];
  for (const handle of ids.map((id) => client.schedule.getHandle(id))) {
    await handle.pause('fires when the test asks it to');
    // What fired while it was made waits for a worker.
    for (const { workflow } of (await handle.describe()).info.runningActions) {
      await client.workflow.getHandle(workflow.workflowId, workflow.firstExecutionRunId).terminate();
    }
  }
}

async function removeSchedules({ platform, name }: TestProject): Promise<void> {
  const { client } = await platform.temporal();
  for await (const { scheduleId } of client.schedule.list()) {
    if (scheduleId.includes(`/${name}`)) await client.schedule.getHandle(scheduleId).delete();
  }
}
