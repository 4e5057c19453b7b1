import type { ViewVersion } from '../core/feature-view.ts';
import type { Micros } from '../core/time.ts';

/** How far the events of stream views have come: what their freshness is counted from. */
export interface StreamProgress {
  /** Keeps the greatest that was ever noted. */
  note(version: ViewVersion, newest: Micros): Promise<void>;
  /** By `view@v1`; a view that has taken nothing in is not there. */
  newest(project: string): Promise<ReadonlyMap<string, Micros>>;
}
