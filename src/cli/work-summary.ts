import { TidemarkError } from '../core/errors.ts';
import type { WorkProgress, WorkTotals } from '../orchestrate/contracts.ts';
import { bytesText, countText } from './output.ts';
import type { ProgressBoard } from './progress.ts';

export function showProgress(board: ProgressBoard, name: string, progress: WorkProgress): void {
  const { chunksDone, chunksPlanned, rows, held, failed, state } = progress;
  // Nobody knows yet how much there is.
  if (state === 'planning') return;
  const details = [
    `chunks, ${countText(rows)} rows`,
    ...(held.length === 0 ? [] : [`${countText(held.length)} held`]),
    ...(failed.length === 0 ? [] : [`${countText(failed.length)} failed`]),
    ...(state === 'running' ? [] : [state]),
  ];
  board.update(name, chunksDone, chunksPlanned, details.join(', '));
}

export function totalsLines(name: string, totals: WorkTotals, seconds: number): readonly string[] {
  const { intervals, rows, bytes, published } = totals;
  return [
    intervals === 0 && totals.held.length === 0
      ? `${name}: nothing was missing.`
      : `${name}: ${countText(intervals)} intervals, ${countText(rows)} rows, ${bytesText(bytes)} in ${seconds.toFixed(1)} s; ${countText(published)} rows published.`,
    ...totals.held.map(({ start, end, reason }) => `  held [${start}, ${end}): ${reason}`),
  ];
}

/** For a range that waits for a person: what it means, and what to do. */
export function heldError(view: string, progress: WorkTotals): TidemarkError {
  const [first] = progress.held;
  return new TidemarkError(
    'QUALITY_HELD',
    `Holding ${progress.held.length} range(s) of ${view}, the first from ${first?.start} to ${first?.end}: ${first?.reason}. The last good data stays in service. Decide with: tidemark materialize ${view} --approve, or --reject.`,
  );
}
