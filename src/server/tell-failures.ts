import type { OnDemandFailure } from '../serving/compute-on-demand.ts';
import type { ServerLog } from './dependencies.ts';

/** /metrics counts every row; a function that always fails must not fill the disk of the log. */
const PAUSE_MILLIS = 10_000;

/**
 * Logs that the functions of on-demand views failed: of each view the first failure at once, then at most one line in
 * ten seconds, with all rows since the line before.
 */
export function tellFailures(
  log: ServerLog | undefined,
  pauseMillis: number = PAUSE_MILLIS,
): (failures: readonly OnDemandFailure[]) => void {
  const told = new Map<string, { readonly at: number; rowsSince: number }>();
  return (failures) => {
    for (const { view, version, rows, error } of failures) {
      const name = `${view}@v${version}`;
      const last = told.get(name);
      const now = performance.now();
      if (last !== undefined && now - last.at < pauseMillis) {
        last.rowsSince += rows;
        continue;
      }
      told.set(name, { at: now, rowsSince: 0 });
      const facts = { view, version, rows: rows + (last?.rowsSince ?? 0), error };
      log?.warn(facts, 'an on-demand function failed');
    }
  };
}
