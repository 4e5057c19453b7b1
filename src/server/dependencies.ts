import { TidemarkError } from '../core/errors.ts';
import type { OnDemandFunctions } from '../core/on-demand.ts';
import type { Clock } from '../core/time.ts';
import type { OnlineStore } from '../online/online-store.ts';
import type { PushLog } from '../push/push-log.ts';
import type { WriteDeps } from '../push/push-rows.ts';
import type { Registry } from '../registry/registry.ts';
import type { RegistrySnapshot, RegistryWatch } from '../serving/registry-watch.ts';
import type { RunControl } from './run-control.ts';
import type { LoadLimits, ReadLimits } from './shed-load.ts';

/** What the server is given; it closes none of it. */
export interface AppDependencies {
  readonly registry: Pick<RegistryWatch, 'current' | 'status'>;
  readonly online: Pick<OnlineStore, 'read' | 'ping'>;
  /** Without it nobody is told what a model was trained on. */
  readonly trainingSets?: Pick<Registry, 'serviceSets'>;
  /** The functions of the feature repository that is served, by `view@v1`. */
  readonly functions: OnDemandFunctions;
  readonly clock: Clock;
  /** Without it nothing can be written. */
  readonly writes?: WriteDependencies;
  /** Without it no workflow can be started. */
  readonly runs?: RunControl;
  readonly log?: ServerLog;
  /** Default 1 MiB. */
  readonly bodyLimitBytes?: number;
  /** Entity rows in one request; default 10,000. */
  readonly maxRows?: number;
  /** Features of entity rows in one request; default 2,000,000. */
  readonly maxValues?: number;
  /** Of an answer with features; default 256 MiB. */
  readonly maxAnswerBytes?: number;
  /** How much may be under way at once before requests are refused. */
  readonly limits?: { readonly reads: ReadLimits; readonly writes: LoadLimits };
  /** Whether /metrics tells of the process (memory, event loop) too; for the one server of a process. */
  readonly processMetrics?: boolean;
  /** Whether this is one of several processes that share a port: then /metrics tells of all of them. */
  readonly isWorker?: boolean;
}

export interface WriteDependencies
  extends Pick<WriteDeps, 'online' | 'onStreamed' | 'maxFuture' | 'maxRowBytes'> {
  readonly log: PushLog;
  /** When rows are received; default the server's. */
  readonly clock?: Clock;
  /** Rows in one request; default 10,000. */
  readonly maxRows?: number;
  /** Default 8 MiB: so many rows of a dozen columns. */
  readonly bodyLimitBytes?: number;
}

export function bodyLimitOf({ writes }: AppDependencies): number {
  return writes?.bodyLimitBytes ?? 8 * 1024 * 1024;
}

/** For one request, with the definitions as they are now. */
export function writeDepsOf({ writes, registry, clock }: AppDependencies): WriteDeps &
  RegistrySnapshot & {
    readonly log: PushLog;
  } {
  const snapshot = registry.current();
  if (writes !== undefined) return { maxRows: 10_000, clock, ...writes, ...snapshot };
  throw new TidemarkError('STACK_UNAVAILABLE', 'Cannot write here: this server was started for reading.');
}

export function runControlOf({ runs }: AppDependencies): RunControl {
  if (runs !== undefined) return runs;
  throw new TidemarkError('STACK_UNAVAILABLE', 'Cannot start or find runs: this server was started alone.');
}

/** Pino's, as far as the server needs it. */
export interface ServerLog {
  warn(facts: object, message: string): void;
  error(facts: object, message: string): void;
}
