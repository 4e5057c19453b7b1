import { formatViewVersion } from '../core/feature-view.ts';
import { batchViews, type Manifest } from '../core/manifest.ts';
import type { WorkTotals } from '../orchestrate/contracts.ts';
import { follow, startBackfill } from '../orchestrate/runs.ts';
import type { Session } from './context.ts';
import type { ProgressBoard } from './progress.ts';
import { showProgress } from './work-summary.ts';

export interface CaughtUp {
  readonly view: string;
  readonly totals: WorkTotals;
  readonly seconds: number;
}

/** Backfills every view of a project, side by side; one that fails stops no other, and is told when all have ended. */
export async function catchUp(
  { platform }: Session,
  manifest: Manifest,
  board: ProgressBoard,
  signal: AbortSignal,
): Promise<readonly CaughtUp[]> {
  const { client } = await platform.temporal();
  const ended = await Promise.allSettled(
    batchViews(manifest).map(async (view) => {
      const began = performance.now();
      const name = formatViewVersion({ view: view.name, version: view.version });
      const run = await startBackfill(client, {
        project: manifest.project,
        view: view.name,
        version: view.version,
        order: 'oldest',
      });
      const totals = await follow(run, (progress) => showProgress(board, name, progress), signal);
      return { view: name, totals, seconds: (performance.now() - began) / 1000 };
    }),
  );
  for (const one of ended) if (one.status === 'rejected') throw one.reason;
  return ended.flatMap((one) => (one.status === 'fulfilled' ? [one.value] : []));
}
