import { TidemarkError } from '../core/errors.ts';
import type { WorkProgress, WorkTotals } from '../orchestrate/contracts.ts';
import { bytesText, countText } from './output.ts';
import type { ProgressBoard } from './progress.ts';

export function showProgress(board: ProgressBoard, name: string, progress: WorkProgress): void {
  const { chunksDone, chunksPlanned, rows, state } = progress;
  // Nobody knows yet how much there is.
  if (state === 'planning') return;
  board.update(
    name,
    chunksDone,
    chunksPlanned,
    `chunks, ${countText(rows)} rows${state === 'running' ? '' : `, ${state}`}`,
  );
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
