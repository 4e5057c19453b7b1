import { expect, test } from 'vitest';
import type { WorkProgress } from '../orchestrate/contracts.ts';
import { showProgress } from './work-summary.ts';

const PROGRESS: WorkProgress = {
  ...{ state: 'running', chunksDone: 2, chunksPlanned: 5, running: [] },
  ...{ intervals: 48, rows: 1200, bytes: 9000, published: 100, held: [], failed: [] },
};

function shown(progress: Partial<WorkProgress>): readonly unknown[] {
  const told: unknown[] = [];
  const board = { update: (...update: readonly unknown[]) => told.push(...update), stop() {} };
  showProgress(board, 'orders@v1', { ...PROGRESS, ...progress });
  return told;
}

test('progress tells chunks and rows, and what did not go well beside how the run stands', () => {
  const range = { start: '2026-01-01T00:00:00Z', end: '2026-01-02T00:00:00Z' };
  const held = [{ ...range, reason: 'min_rows' }];
  const failed = [{ ...range, code: 'TOO_LARGE', message: 'Cannot store a row.' }];
  expect(shown({})).toEqual(['orders@v1', 2, 5, 'chunks, 1,200 rows']);
  expect(shown({ state: 'finished', failed })[3]).toBe('chunks, 1,200 rows, 1 failed, finished');
  expect(shown({ state: 'paused', held, failed })[3]).toBe('chunks, 1,200 rows, 1 held, 1 failed, paused');
  expect(shown({ state: 'planning' })).toEqual([]);
});
