import { join } from 'node:path';
import type { ScheduleHandle } from '@temporalio/client';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { runWorkerHere } from '../../src/cli/worker-here.ts';
import {
  addDuration,
  durationOf,
  formatTime,
  type Micros,
  subtractDuration,
  timeOf,
} from '../../src/core/time.ts';
import type { TrainResult } from '../../src/orchestrate/contracts.ts';
import { taskQueueOf, trainingSetScheduleId } from '../../src/orchestrate/ids.ts';
import { follow, startBackfill } from '../../src/orchestrate/runs.ts';
import type { RunningWorker } from '../../src/orchestrate/worker.ts';
import { appliedBatchView } from '../../src/registry/applied-manifest.ts';
import type { ScheduledSet } from '../../src/registry/scheduled-set.ts';
import { listTrainingSets } from '../../src/training/training-set-folder.ts';
import { testEngine } from '../support/feature-repo.ts';
import { firedRuns } from '../support/fired-runs.ts';
import { appliedProject, type TestProject } from '../support/project.ts';
import { shop } from '../support/shop.ts';
import { tidemarkHere } from '../support/tidemark-here.ts';

/** Paused, so that only the ticks that a test asks for come. */
const SCHEDULES = `
const spine = { parquet: 'labels.parquet', timestampField: 'seen_at' };
export const daily = trainingSetSchedule({
  name: 'daily', schedule: '0 0 * * *', service: model, paused: true, knownAt: 'tick', dataDelay: '1h',
  spine: {
    query: 'SELECT user_id, orders.at AS seen_at FROM orders WHERE orders.at >= $interval_start AND orders.at < $interval_end ORDER BY orders.at',
    timestampField: 'seen_at',
  },
});
export const whole = trainingSetSchedule({
  name: 'whole', schedule: '0 0 * * *', features: [spend.pick('orders_6h'), 'spend:spend_1d'], paused: true, spine,
  statistics: false, split: 'time:50/50',
});
export const pairs = trainingSetSchedule({
  name: 'pairs', schedule: '0 0 * * *', features: [spend.pick('orders_6h')], paused: true, statistics: false,
  spine: { query: 'SELECT user_id, (user_id + 1) % 5 AS friend, orders.at AS seen_at FROM orders WHERE orders.at >= $interval_start AND orders.at < $interval_end ORDER BY orders.at', timestampField: 'seen_at' },
  aliases: [{ view: spend, prefix: 'own_' }, { view: 'spend', prefix: 'friend_', keys: { user_id: 'friend' } }],
});
export const recent = trainingSetSchedule({
  name: 'recent', schedule: '0 0 * * *', features: [spend], paused: true, statistics: false,
  spine: { last: '6h', timestampField: 'seen_at' },
});
`;

let project: TestProject;
let worker: RunningWorker;
let start: Micros;

beforeAll(async () => {
  const { definitions, data } = shop('0 * * * *', SCHEDULES);
  project = await appliedProject({
    definitions,
    data: {
      ...data,
      'labels.parquet': `SELECT i % 5 AS user_id, TIMESTAMP '<start>' + INTERVAL (i) HOUR AS seen_at FROM range(48) t(i)`,
    },
  });
  worker = await runWorkerHere(project);
  const target = { project: project.name, view: 'spend', version: 1 };
  start = timeOf((await appliedBatchView(await project.platform.registry(), target)).startTime);
  await follow(await startBackfill((await project.platform.temporal()).client, target), () => {});
});

afterAll(() => worker.stop());

const day = (count: number): Micros => addDuration(start, durationOf(`${count}d`));

/** What asking a schedule to fire gave: the runs that it has started have ended. */
async function fired(name: string, ask: (schedule: ScheduleHandle) => Promise<void>, count = 1) {
  const { client } = await project.platform.temporal();
  const schedule = client.schedule.getHandle(trainingSetScheduleId(project.name, name));
  return await firedRuns<TrainResult>(client, schedule, () => ask(schedule), count);
}

async function lastSet(name: string): Promise<ScheduledSet | undefined> {
  const registry = await project.platform.registry();
  return (await registry.lastScheduledSets(project.name)).find(({ schedule }) => schedule === name);
}

/** Has the schedule make up for its ticks from day `first` to day `last`, and returns what the last one gave. */
async function madeUpFor(name: string, first: number, last: number): Promise<ScheduledSet | undefined> {
  const ticks = {
    start: new Date(formatTime(subtractDuration(day(first), durationOf('1m')))),
    end: new Date(formatTime(addDuration(day(last), durationOf('1m')))),
    overlap: 'ALLOW_ALL',
  } as const;
  await fired(name, (schedule) => schedule.backfill(ticks), last - first + 1);
  const made = await lastSet(name);
  expect(made?.tick).toBe(day(last));
  return made;
}

const sets = async () => (await listTrainingSets(project.platform.config.offline, project.name)).sets;

test('every tick is a set of the rows between the tick before and it, and the same tick again finds its set', async () => {
  const last = await madeUpFor('daily', 2, 4);
  expect(last?.outcome).toMatchObject({ kind: 'built', reused: false });
  expect(await sets()).toHaveLength(3);
  const { withConnection } = await testEngine();
  const spans: (readonly [string, string])[] = [];
  for (const { id, contents } of await sets()) {
    expect(contents.spine.rows).toBeGreaterThan(200);
    const path = join(project.platform.config.offline, project.name, 'training-sets', id, 'data.parquet');
    const rows = await withConnection((connection) =>
      connection.runAndReadAll(
        `SELECT min(seen_at)::DATE::VARCHAR, max(seen_at)::DATE::VARCHAR, count(orders_6h) FROM '${path}'`,
      ),
    );
    const [from, to, values] = rows.getRows()[0] ?? [];
    expect(values).not.toBe(0n);
    spans.push([String(from), `${String(to)} known at ${contents.knownAt}`]);
  }
  const dayText = (count: number) => formatTime(day(count)).slice(0, 10);
  expect(spans.toSorted()).toEqual(
    [2, 3, 4].map((tick) => [dayText(tick - 1), `${dayText(tick - 1)} known at ${formatTime(day(tick))}`]),
  );

  const again = await madeUpFor('daily', 4, 4);
  expect(again?.outcome).toEqual({ ...last?.outcome, reused: true });
  expect(await sets()).toHaveLength(3);
});

test('a set whose rows are the same at the next tick is found, in the format and split that are asked for', async () => {
  const before = (await sets()).length;
  const first = await madeUpFor('whole', 3, 3);
  const second = await madeUpFor('whole', 4, 4);
  expect(first?.outcome).toMatchObject({ kind: 'built', rows: 48, reused: false });
  expect(second?.outcome).toEqual({ ...first?.outcome, reused: true });
  const [made, ...others] = await sets();
  expect(others).toHaveLength(before);
  expect(made?.data.files.map(({ part }) => part)).toEqual(['train', 'test']);
  expect(made?.contents.outputs.map(({ name }) => name)).toEqual(['orders_6h', 'spend_1d']);
});

test('without entity rows a set has what the views had so long before the tick', async () => {
  const made = await madeUpFor('recent', 4, 4);
  expect(made?.outcome).toMatchObject({ kind: 'built', reused: false });
  const [set] = await sets();
  expect(set?.recipe.range).toEqual({
    from: formatTime(subtractDuration(day(4), durationOf('6h'))),
    to: formatTime(day(4)),
  });
});

test('under aliases a set has one view by several columns of its rows', async () => {
  const made = await madeUpFor('pairs', 4, 4);
  expect(made?.outcome).toMatchObject({ kind: 'built', reused: false });
  const [set] = await sets();
  expect(set?.contents.views.map(({ keys }) => keys)).toEqual([
    { user_id: 'user_id' },
    { user_id: 'friend' },
  ]);
  const path = join(
    project.platform.config.offline,
    ...[project.name, 'training-sets', set?.id ?? '', 'data.parquet'],
  );
  const { withConnection } = await testEngine();
  // Within an hour nothing new is computed: a friend's count is what a row of the friend itself has.
  const rows = await withConnection((connection) =>
    connection.runAndReadAll(
      `SELECT count(*) > 100, count(*) FILTER (a.friend_orders_6h <> b.own_orders_6h), count(DISTINCT a.friend_orders_6h) > 1
       FROM '${path}' a JOIN '${path}' b ON a.friend = b.user_id AND date_trunc('hour', a.seen_at) = date_trunc('hour', b.seen_at)`,
    ),
  );
  expect(rows.getRows()).toEqual([[true, 0n, true]]);
});

test('a run by hand is of the last tick, and one that cannot be built is recorded with its reason', async () => {
  const { client } = await project.platform.temporal();
  const input = { project: project.name, schedule: 'whol', waitMillis: 0 };
  const run = client.workflow.execute('scheduledTrainingSet', {
    workflowId: `${trainingSetScheduleId(project.name, 'whol')}/by-hand`,
    taskQueue: taskQueueOf(project.name),
    args: [input],
  });
  await expect(run).rejects.toThrow();
  expect((await lastSet('whol'))?.outcome).toEqual({
    kind: 'failed',
    code: 'REQUEST_INVALID',
    message: `Cannot find training set schedule "whol" in project "${project.name}". Did you mean "whole"?`,
  });

  const [triggered] = await fired('whole', (schedule) => schedule.trigger());
  const today = timeOf(triggered?.at.toISOString().slice(0, 10) ?? '');
  expect((await lastSet('whole'))?.tick).toBe(today);
});

test('status tells what each schedule gave last', async () => {
  const { code, out } = await tidemarkHere(['status'], project);
  expect(code).toBe(0);
  const lines = out.split('\n').map((line) => line.replaceAll(/ {2,}/g, ' | '));
  expect(lines).toContain('TRAINING SET | LAST TICK | STATE | RESULT | NEXT BUILD');
  const [daily = '', recent = ''] = ['daily', 'recent'].map((name) =>
    lines.find((line) => line.startsWith(`${name} |`)),
  );
  expect(daily).toMatch(
    /^daily \| \S+T00:00:00Z \| built \| [0-9a-f]{16}, 2\d\d rows, there already \| paused$/,
  );
  expect(recent).toMatch(/rows \| paused$/);
  const told = JSON.parse((await tidemarkHere(['status', '--json'], project)).out);
  expect(told.trainingSets).toMatchObject([
    { name: 'daily' },
    { name: 'pairs' },
    { name: 'recent' },
    { name: 'whole' },
  ]);
});
