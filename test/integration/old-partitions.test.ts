import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeAll, expect, test } from 'vitest';
import type { BatchViewSpec } from '../../src/core/feature-view.ts';
import type { Interval } from '../../src/core/interval.ts';
import { scheduleOf } from '../../src/core/schedule.ts';
import { micros } from '../../src/core/time.ts';
import { dueRange, firstTick } from '../../src/materialize/due-range.ts';
import { planChunks } from '../../src/materialize/plan-chunks.ts';
import { appliedBatchView } from '../../src/registry/applied-manifest.ts';
import { materializeHere } from '../support/materialize-here.ts';
import { appliedProject, type TestProject } from '../support/project.ts';

const DAY = 86_400_000_000n;
const DAYS = 35;

let project: TestProject;
let view: BatchViewSpec;
let due: Interval;

beforeAll(async () => {
  const midnight = Math.floor(Date.now() / 86_400_000) * 86_400_000;
  const folder = (at: number) => new Date(midnight - (DAYS - at) * 86_400_000).toISOString().slice(0, 10);
  project = await appliedProject({
    days: DAYS,
    definitions: `
export const shop = project({ name: '<project>' });
export const user = entity({ name: 'user', joinKeys: { user_id: 'int64' } });
export const orders = parquetSource({ name: 'orders', path: 'orders/*/*.parquet', timestampField: 'at',
  partitionedBy: { column: 'day', granularity: 'day' } });
export const spend = batchFeatureView({ name: 'spend', version: 1, entities: [user], source: orders,
  schedule: '0 * * * *', startTime: '<start>', paused: true, aggregations: { orders_1d: count('1d') } });`,
    data: Object.fromEntries(
      Array.from({ length: DAYS }, (_, at) => [
        `orders/day=${folder(at)}/part.parquet`,
        `SELECT i % 5 AS user_id, TIMESTAMP '${folder(at)}' + INTERVAL (i * 10) MINUTE AS at FROM range(144) t(i)`,
      ]),
    ),
  });
  view = await appliedBatchView(await project.platform.registry(), target());
  const found = dueRange(view, project.platform.clock());
  if (found === undefined) throw new Error('Nothing is due.');
  due = found;
  // Garbage in all old folders, the oldest among them: what is computed below is of the last three days.
  for (let at = 0; at < DAYS - 3; at++)
    await writeFile(join(project.repo.dir, `orders/day=${folder(at)}/part.parquet`), 'no Parquet at all');
});

const target = () => ({ project: project.name, view: 'spend', version: 1 });

async function planned(range: Interval, restate: boolean) {
  const deps = await project.platform.activityDeps({ onDemand: project.repo.onDemand, log: () => {} });
  return await planChunks(
    { project: project.name, view, range, restate, now: project.platform.clock() },
    deps,
  );
}

test('a day is computed and restated with garbage in every older partition', async () => {
  const midnight = micros(due.end - (due.end % DAY));
  const day = { start: micros(midnight - DAY), end: midnight };
  for (const restate of [false, true]) {
    const { chunks } = await planned(day, restate);
    expect(chunks).toEqual([day]);
    expect(await materializeHere(project, { view, range: day, restate })).toMatchObject({
      kind: 'materialized',
      rows: expect.toSatisfy((rows: number) => rows > 24),
    });
  }
});

test('what is missing is planned although its older files cannot be read, and a tick reads none', async () => {
  const { chunks } = await planned({ start: firstTick(view), end: due.end }, false);
  expect(chunks[0]?.start).toBe(firstTick(view));
  const hour = { start: scheduleOf('0 * * * *').floor(micros(firstTick(view) + DAY)), end: micros(0n) };
  const garbage = { start: hour.start, end: micros(hour.start + 3_600_000_000n) };
  expect((await planned(garbage, false)).chunks).toEqual([garbage]);
  // The control: that hour cannot be computed.
  await expect(materializeHere(project, { view, range: garbage })).rejects.toMatchObject({
    code: 'SOURCE_UNREADABLE',
    lasting: true,
    message: expect.stringContaining('part.parquet'),
  });
});
