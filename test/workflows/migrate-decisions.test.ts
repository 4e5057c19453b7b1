import { randomUUID } from 'node:crypto';
import { Context } from '@temporalio/activity';
import type { WorkflowHandle } from '@temporalio/client';
import { ApplicationFailure } from '@temporalio/common';
import type { TestWorkflowEnvironment } from '@temporalio/testing';
import { beforeAll, describe, expect, test } from 'vitest';
import type { Activities } from '../../activities/create-activities.ts';
import type { VersionComparison } from '../../src/migrate/compare-profiles.ts';
import type { MigrateInput, MigrateProgress, MigrateState } from '../../src/orchestrate/contracts.ts';
import { fromFailure } from '../../src/orchestrate/failures.ts';
import { timeSkipping, workerWith } from '../support/time-skipping.ts';

const HOUR = { start: '2026-01-01T00:00:00Z', end: '2026-01-01T01:00:00Z' };
const COMPARISON: VersionComparison = {
  range: HOUR,
  rows: { from: 1, to: 1 },
  entities: { from: 1, to: 1 },
  features: [],
  added: [],
  removed: [],
  concerns: [],
};

let env: TestWorkflowEnvironment;

beforeAll(async () => {
  env = await timeSkipping();
}, 120_000);

interface Migration {
  readonly handle: WorkflowHandle;
  /** What the activities were asked to do, in order. */
  readonly asked: readonly string[];
  reaches(state: MigrateState): Promise<MigrateProgress>;
  tell(signal: 'approve' | 'abort' | 'retire'): Promise<void>;
  result(): Promise<MigrateProgress>;
}

async function migration(replaced: Partial<Activities> = {}): Promise<Migration> {
  const asked: string[] = [];
  const taskQueue = await workerWith(env, {
    planChunks: async ({ version }) => {
      asked.push(`plan v${version}`);
      return { chunks: [{ ...HOUR, intervals: 1 }], rest: null, held: [] };
    },
    materializeChunk: async () => ({ kind: 'materialized', rows: 1, bytes: 1, published: 1 }),
    compareVersions: async ({ from, to }) => {
      asked.push(`compare v${from} v${to}`);
      return COMPARISON;
    },
    moveServingVersion: async ({ version, by }) => {
      asked.push(`serve v${version} by ${by}`);
    },
    retireVersion: async ({ version }) => {
      asked.push(`retire v${version}`);
      return { onlineRows: 1, trainingSets: [] };
    },
    ...replaced,
  });
  const input: MigrateInput = { project: `shop-${randomUUID()}`, view: 'spend', from: 1, to: 2 };
  const handle = await env.client.workflow.start('migrate', {
    taskQueue,
    workflowId: `migrate/${input.project}`,
    args: [input],
  });
  return {
    handle,
    asked,
    reaches: async (state) => {
      const progress = () => handle.query<MigrateProgress>('progress');
      await expect.poll(async () => (await progress()).state, { timeout: 30_000 }).toBe(state);
      return await progress();
    },
    tell: async (signal) => await handle.signal(signal, 'owner@example.com'),
    result: async () => await handle.result(),
  };
}

/** Works until it is cancelled. */
async function untilCancelled(): Promise<never> {
  const context = Context.current();
  const beat = setInterval(() => context.heartbeat(), 100);
  try {
    return await context.cancelled;
  } finally {
    clearInterval(beat);
  }
}

describe('a migration', () => {
  test('backfills, compares, waits for approval, cuts over, and retires the old version when told', async () => {
    const { asked, reaches, tell, result } = await migration();
    expect(await reaches('waiting for approval')).toMatchObject({
      serving: 1,
      backfill: { rows: 1 },
      comparison: COMPARISON,
    });
    expect(asked).toEqual(['plan v2', 'compare v1 v2']);
    await tell('approve');
    expect(await reaches('soaking')).toMatchObject({ serving: 2 });
    await tell('retire');
    expect(await result()).toMatchObject({
      state: 'retired',
      serving: 2,
      refused: null,
      decisions: ['approve by owner@example.com', 'retire by owner@example.com'],
    });
    expect(asked.slice(2)).toEqual(['serve v2 by owner@example.com', 'retire v1']);
  });

  test('does not take an approval or a retirement before its time', async () => {
    let release = () => {};
    const gate = new Promise<void>((resolve) => {
      release = resolve;
    });
    const { asked, reaches, tell } = await migration({
      materializeChunk: async () => {
        await gate;
        return { kind: 'skipped' };
      },
    });
    await reaches('backfilling');
    await tell('approve');
    await tell('retire');
    release();
    expect(await reaches('waiting for approval')).toMatchObject({ decisions: [] });
    await tell('retire');
    expect(await reaches('waiting for approval')).toMatchObject({ decisions: [] });
    expect(asked).toEqual(['plan v2', 'compare v1 v2']);
    await tell('abort');
  });

  test('whose retirement is refused goes on soaking, says why, and may be told again', async () => {
    let refusals = 0;
    const { reaches, tell, result } = await migration({
      retireVersion: async () => {
        refusals += 1;
        if (refusals === 1)
          throw ApplicationFailure.nonRetryable('Cannot retire spend@v1: model still read it.', 'FORBIDDEN');
        return { onlineRows: 1, trainingSets: [] };
      },
    });
    await reaches('waiting for approval');
    await tell('approve');
    await reaches('soaking');
    await tell('retire');
    await expect
      .poll(async () => (await reaches('soaking')).refused)
      .toBe('Cannot retire spend@v1: model still read it.');
    await tell('retire');
    expect(await result()).toMatchObject({ state: 'retired', refused: null, serving: 2 });
  });

  test('whose backfill fails fails with the reason, and the old version serves on', async () => {
    const { asked, result } = await migration({
      materializeChunk: async () => {
        throw ApplicationFailure.nonRetryable('No such file.', 'SOURCE_UNREADABLE');
      },
    });
    const error = await result().then(
      () => undefined,
      (thrown: unknown) => fromFailure(thrown),
    );
    expect(error).toMatchObject({
      code: 'SOURCE_UNREADABLE',
      message: expect.stringContaining('No such file.'),
    });
    expect(asked).toEqual(['plan v2']);
  });
});

describe('aborting a migration', () => {
  test('during the backfill cancels it', async () => {
    const { handle, asked, reaches, tell, result } = await migration({ materializeChunk: untilCancelled });
    await reaches('backfilling');
    const child = env.client.workflow.getHandle(`${handle.workflowId}/spend/1-2/backfill`);
    const running = async () => (await child.query<{ running: readonly unknown[] }>('progress')).running;
    await expect.poll(() => running().catch(() => []), { timeout: 30_000 }).toHaveLength(1);
    await tell('abort');
    expect(await result()).toMatchObject({
      state: 'aborted',
      serving: 1,
      decisions: ['abort by owner@example.com'],
    });
    expect((await child.describe()).status.name).toBe('CANCELLED');
    expect(asked).toEqual(['plan v2']);
  });

  test('during the comparison ends it', async () => {
    const { reaches, tell, result, asked } = await migration({ compareVersions: untilCancelled });
    await reaches('comparing');
    await tell('abort');
    expect(await result()).toMatchObject({ state: 'aborted', serving: 1 });
    expect(asked).toEqual(['plan v2']);
  });

  test('while it waits for approval changes nothing', async () => {
    const { reaches, tell, result, asked } = await migration();
    await reaches('waiting for approval');
    await tell('abort');
    expect(await result()).toMatchObject({ state: 'aborted', serving: 1 });
    expect(asked).toEqual(['plan v2', 'compare v1 v2']);
  });

  test('during the cut-over goes back to the old version', async () => {
    let release = () => {};
    const gate = new Promise<void>((resolve) => {
      release = resolve;
    });
    const served: number[] = [];
    const { reaches, tell, result } = await migration({
      moveServingVersion: async ({ version }) => {
        served.push(version);
        await gate;
      },
    });
    await reaches('waiting for approval');
    await tell('approve');
    await reaches('cutting over');
    await tell('abort');
    release();
    expect(await result()).toMatchObject({ state: 'aborted', serving: 1 });
    expect(served).toEqual([2, 1]);
  });

  test('after the cut-over goes back to the old version', async () => {
    const { reaches, tell, result, asked } = await migration();
    await reaches('waiting for approval');
    await tell('approve');
    await reaches('soaking');
    await tell('abort');
    expect(await result()).toMatchObject({
      state: 'aborted',
      serving: 1,
      decisions: ['approve by owner@example.com', 'abort by owner@example.com'],
    });
    expect(asked.slice(2)).toEqual(['serve v2 by owner@example.com', 'serve v1 by owner@example.com']);
  });
});
