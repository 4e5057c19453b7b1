import type { OnDemandFunctions } from '../core/on-demand.ts';
import type { Clock } from '../core/time.ts';
import type { OnlineStore } from '../online/online-store.ts';
import type { RegistryWatch } from '../serving/registry-watch.ts';

/** What the server is given; it closes none of it. */
export interface AppDependencies {
  readonly registry: Pick<RegistryWatch, 'current' | 'status'>;
  readonly online: Pick<OnlineStore, 'read' | 'ping'>;
  /** The functions of the feature repository that is served, by `view@v1`. */
  readonly functions: OnDemandFunctions;
  readonly clock: Clock;
  readonly log?: ServerLog;
  /** Default 1 MiB. */
  readonly bodyLimitBytes?: number;
  /** Entity rows in one request; default 10,000. */
  readonly maxRows?: number;
  /** Whether /metrics tells of the process (memory, event loop) too; for the one server of a process. */
  readonly processMetrics?: boolean;
}

/** Pino's, as far as the server needs it. */
export interface ServerLog {
  warn(facts: object, message: string): void;
  error(facts: object, message: string): void;
}
