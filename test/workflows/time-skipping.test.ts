import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { Context } from '@temporalio/activity';
import type { WorkflowHandle } from '@temporalio/client';
import { ApplicationFailure } from '@temporalio/common';
import type { TestWorkflowEnvironment } from '@temporalio/testing';
import { beforeAll, describe, expect, test } from 'vitest';
import type { Activities } from '../../activities/create-activities.ts';
import type {
  BackfillInput,
  ChunkResult,
  HeldChunk,
  MaterializeInput,
  PlanChunksInput,
  PlannedChunks,
  TimeRange,
  WorkProgress,
  WorkTotals,
} from '../../src/orchestrate/contracts.ts';
import { fromFailure } from '../../src/orchestrate/failures.ts';
import { realTime, timeSkipping, workerWith } from '../support/time-skipping.ts';

const TARGET = { project: 'shop', view: 'spend', version: 1 };
const ONE_ROW: ChunkResult = { kind: 'materialized', rows: 1, bytes: 10, published: 1 };
const YEAR_2026 = Date.UTC(2026, 0, 1);

let env: TestWorkflowEnvironment;

beforeAll(async () => {
  env = await timeSkipping();
}, 120_000);

/** Hour `from` to hour `to` of the year. */
function hours(from: number, to: number): TimeRange {
  const at = (hour: number) => new Date(YEAR_2026 + hour * 3_600_000).toISOString().replace('.000Z', 'Z');
  return { start: at(from), end: at(to) };
}

/** A ledger in memory: hours that are missing until they are materialized, one a chunk. */
function hourLedger(
  size: number,
  materialize: (start: string) => Promise<ChunkResult> = async () => ONE_ROW,
) {
  const all = Array.from({ length: size }, (_, hour) => hours(hour, hour + 1));
  const done = new Set<string>();
  const started: string[] = [];
  const plans: PlanChunksInput[] = [];
  const activities = {
    async planChunks(input: PlanChunksInput): Promise<PlannedChunks> {
      plans.push(input);
      const { range = hours(0, size), restate, order, limit } = input;
      const work = all
        .filter(({ start, end }) => range.start <= start && end <= range.end && (restate || !done.has(start)))
        .map((chunk) => ({ ...chunk, intervals: 1 }));
      const ordered = order === 'newest' ? work.toReversed() : work;
      const left = ordered.slice(limit).toSorted((a, b) => (a.start < b.start ? -1 : 1));
      const [first, last] = [left[0], left.at(-1)];
      return {
        chunks: ordered.slice(0, limit),
        rest: first && last ? { start: first.start, end: last.end } : null,
        held: [],
      };
    },
    async materializeChunk({ start }: { readonly start: string }): Promise<ChunkResult> {
      started.push(start);
      const result = await materialize(start);
      done.add(start);
      return result;
    },
  };
  return { activities, done, started, plans, all };
}

async function begin(
  workflow: 'materialize' | 'backfill',
  activities: Partial<Activities>,
  input: Partial<MaterializeInput & BackfillInput> = {},
  server: TestWorkflowEnvironment = env,
): Promise<WorkflowHandle> {
  const taskQueue = await workerWith(server, activities);
  const workflowId = `${workflow}/${randomUUID()}`;
  return await server.client.workflow.start(workflow, {
    taskQueue,
    workflowId,
    args: [{ ...TARGET, ...input }],
  });
}

const totalsOf = async (handle: WorkflowHandle): Promise<WorkTotals> => await handle.result();
const errorOf = async (handle: WorkflowHandle) =>
  fromFailure(
    await handle.result().then(
      () => undefined,
      (error: unknown) => error,
    ),
  );
const progressOf = (handle: WorkflowHandle) => handle.query<WorkProgress>('progress');

describe('materialize', () => {
  test('waits for the data delay before it asks what is missing', async () => {
    const { activities } = hourLedger(1);
    const began = await env.currentTimeMs();
    let asked = 0;
    const handle = await begin(
      'materialize',
      {
        ...activities,
        planChunks: async (input) => {
          asked = await env.currentTimeMs();
          return await activities.planChunks(input);
        },
      },
      { waitMillis: 3 * 3_600_000 },
    );
    expect(await totalsOf(handle)).toMatchObject({ chunksDone: 1, rows: 1 });
    expect(asked - began).toBeGreaterThanOrEqual(3 * 3_600_000);
  });

  test('tries a chunk again, at growing distances, while its error may pass', async () => {
    const times: number[] = [];
    const { activities } = hourLedger(1, async () => {
      times.push(await env.currentTimeMs());
      if (times.length < 7) throw ApplicationFailure.retryable('Redis is away.', 'STORE_UNAVAILABLE');
      return ONE_ROW;
    });
    expect(await totalsOf(await begin('materialize', activities))).toMatchObject({ rows: 1, failed: [] });
    const waits = times.slice(1).map((time, index) => time - (times[index] ?? 0));
    expect(waits).toHaveLength(6);
    for (const [index, wait] of waits.entries()) expect(wait).toBeGreaterThanOrEqual(500 * 2 ** index * 0.99);
  });

  test('tries a chunk once when its error will not pass, does the others, and says which failed and why', async () => {
    const { activities, started } = hourLedger(4, async (start) => {
      if (start === hours(1, 2).start || start === hours(3, 4).start)
        throw ApplicationFailure.nonRetryable('Cannot find column "amount".', 'SOURCE_SCHEMA_MISMATCH');
      return ONE_ROW;
    });
    const error = await errorOf(await begin('materialize', activities));
    expect(error).toMatchObject({
      code: 'SOURCE_SCHEMA_MISMATCH',
      message:
        '2 of 4 chunks of spend@v1 failed; the first, 2026-01-01T01:00:00Z to 2026-01-01T02:00:00Z: Cannot find column "amount".',
    });
    expect(started).toHaveLength(4);
  });

  test('does more chunks than one history should hold, each once', async () => {
    const { activities, started, plans, all } = hourLedger(230);
    const handle = await begin('materialize', activities);
    expect(await totalsOf(handle)).toMatchObject({ chunksDone: 230, intervals: 230, rows: 230 });
    expect(started).toEqual(all.map(({ start }) => start));
    expect(plans.map(({ range }) => range)).toEqual([undefined, hours(100, 230), hours(200, 230)]);
  });

  test('that waits for a decision sees that somebody else has decided, and does what is due by then', async () => {
    const held: HeldChunk = { ...hours(0, 1), reason: 'too few rows' };
    const times: number[] = [];
    const { activities, started } = hourLedger(2);
    const handle = await begin('materialize', {
      ...activities,
      async planChunks(): Promise<PlannedChunks> {
        times.push(await env.currentTimeMs());
        if (times.length < 3) return { chunks: [], rest: null, held: [held] };
        return { chunks: [{ ...hours(1, 2), intervals: 1 }], rest: null, held: [] };
      },
    });
    await expect
      .poll(() => progressOf(handle))
      .toMatchObject({ state: 'waiting for a decision', held: [held] });
    expect(await totalsOf(handle)).toMatchObject({ rows: 1, held: [] });
    expect(times).toHaveLength(3);
    expect((times[2] ?? 0) - (times[0] ?? 0)).toBeGreaterThanOrEqual(4 * 60_000);
    expect(started).toEqual([hours(1, 2).start]);
  });

  test('decides only the ranges that it is told, and does them without waiting for the others', async () => {
    const held = [0, 1].map((hour) => ({ ...hours(hour, hour + 1), reason: 'too few rows' }));
    const decided: string[] = [];
    const { activities, started } = hourLedger(2);
    const handle = await begin('materialize', {
      ...activities,
      planChunks: async () => ({ chunks: [], rest: null, held }),
      decideHeld: async ({ start, decision, by }) => {
        decided.push(`${decision} ${start} by ${by}`);
        return [];
      },
    });
    await expect.poll(() => progressOf(handle)).toMatchObject({ state: 'waiting for a decision' });
    const by = 'owner@example.com';
    expect(await handle.executeUpdate('approve', { args: [{ by, range: hours(1, 2) }] })).toEqual([
      hours(1, 2),
    ]);
    await expect.poll(() => started).toEqual([hours(1, 2).start]);
    await expect
      .poll(() => progressOf(handle))
      .toMatchObject({ state: 'waiting for a decision', held: [held[0]] });
    expect(await handle.executeUpdate('reject', { args: [{ by }] })).toEqual([hours(0, 1)]);
    expect(await totalsOf(handle)).toMatchObject({ rows: 1, held: [] });
    expect(decided).toEqual([
      `approve ${hours(1, 2).start} by ${by}`,
      `reject ${hours(0, 1).start} by ${by}`,
    ]);
  });
});

describe('backfill', () => {
  test('keeps its order, and restates each chunk once, over several histories', async () => {
    const { activities, started, all } = hourLedger(230);
    const handle = await begin('backfill', activities, {
      restate: true,
      order: 'newest',
      range: hours(0, 230),
    });
    expect(await totalsOf(handle)).toMatchObject({ chunksDone: 230, rows: 230 });
    expect(started).toEqual(all.map(({ start }) => start).toReversed());
  });

  test('that is paused stays so in its next history, with its concurrency', async () => {
    let atOnce = 0;
    let most = 0;
    const ledger = hourLedger(150, async (start) => {
      if (start === hours(99, 100).start) await handle.signal('pause');
      if (start < hours(100, 101).start) return ONE_ROW;
      atOnce += 1;
      most = Math.max(most, atOnce);
      await sleep(30);
      atOnce -= 1;
      return ONE_ROW;
    });
    const handle = await begin('backfill', ledger.activities, {}, await realTime());
    await handle.signal('setConcurrency', 7);
    await expect
      .poll(() => progressOf(handle), { timeout: 60_000 })
      .toMatchObject({ state: 'paused', chunksPlanned: 150, chunksDone: 100, running: [] });
    expect(ledger.started).toHaveLength(100);
    await handle.signal('resume');
    expect(await totalsOf(handle)).toMatchObject({ chunksDone: 150, rows: 150 });
    expect(ledger.started).toHaveLength(150);
    expect(most).toBeGreaterThan(1);
    expect(most).toBeLessThanOrEqual(7);
  }, 90_000);

  test('loses no result of chunks that end at once', async () => {
    const { activities } = hourLedger(60, async () => {
      await sleep(Math.random() * 20);
      return ONE_ROW;
    });
    const handle = await begin('backfill', activities, { concurrency: 16 });
    expect(await totalsOf(handle)).toMatchObject({ chunksDone: 60, intervals: 60, rows: 60, bytes: 600 });
  });

  test('that fails in its first history fails in the end, with all its failures', async () => {
    const { activities, started } = hourLedger(120, async (start) => {
      if (start === hours(3, 4).start || start === hours(110, 111).start)
        throw ApplicationFailure.nonRetryable('No such file.', 'SOURCE_UNREADABLE');
      return ONE_ROW;
    });
    const error = await errorOf(await begin('backfill', activities));
    expect(error.message).toMatch(/^2 of 120 chunks of spend@v1 failed; the first, 2026-01-01T03:00:00Z to /);
    expect(started).toHaveLength(120);
  });

  test('gives up when nearly everything fails', async () => {
    const { activities, started } = hourLedger(300, async () => {
      throw ApplicationFailure.nonRetryable('No such file.', 'SOURCE_UNREADABLE');
    });
    const error = await errorOf(await begin('backfill', activities));
    expect(error).toMatchObject({ code: 'SOURCE_UNREADABLE' });
    expect(error.message).toMatch(/^20 of 20 chunks /);
    expect(started).toHaveLength(20);
  });

  test('that is cancelled ends when its chunks have, and not before', async () => {
    let stopped = 0;
    const { activities, started } = hourLedger(5, async () => {
      const context = Context.current();
      const beat = setInterval(() => context.heartbeat(), 100);
      try {
        await context.cancelled;
      } finally {
        await sleep(700);
        clearInterval(beat);
        stopped += 1;
      }
      return ONE_ROW;
    });
    const handle = await begin('backfill', activities, { concurrency: 2 });
    await expect.poll(() => started, { timeout: 30_000 }).toHaveLength(2);
    await handle.cancel();
    expect(await errorOf(handle)).toMatchObject({ code: 'CANCELLED' });
    expect(stopped).toBe(2);
    expect(started).toHaveLength(2);
  });

  test('that is paused can be cancelled', async () => {
    const handle = await begin('backfill', hourLedger(5).activities, { paused: true });
    await expect.poll(() => progressOf(handle)).toMatchObject({ state: 'paused', chunksPlanned: 5 });
    await handle.cancel();
    expect(await errorOf(handle)).toMatchObject({ code: 'CANCELLED' });
  });
});
