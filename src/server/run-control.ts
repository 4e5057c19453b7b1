import type { Interval } from '../core/interval.ts';

/** What the server needs of the workflows: to start some, and to say how they go. */
export interface RunControl {
  /**
   * Starts materializing one view version, over whole intervals of `range` or all that is due. Asked for again
   * while it runs, it is the same run. STORE_UNAVAILABLE when Temporal does not answer.
   */
  materialize(work: {
    readonly view: string;
    readonly version: number;
    readonly range?: Interval;
  }): Promise<{ readonly id: string }>;
  /** UNKNOWN_RUN unless the project has a run of that id. */
  status(id: string): Promise<RunStatus>;
}

/** Ready for JSON. */
export interface RunStatus {
  readonly id: string;
  readonly workflow: string;
  readonly state: 'running' | 'completed' | 'failed' | 'cancelled' | 'terminated' | 'timed out';
  readonly started_at: string;
  readonly closed_at: string | null;
  /** What has been done so far, or in all; null while no worker answers, and for what failed. */
  readonly progress: unknown;
  /** Why it failed. */
  readonly error: { readonly code: string; readonly message: string } | null;
}
