import type { ViewVersion } from '../src/core/feature-view.ts';
import type { OnDemandFunctions } from '../src/core/on-demand.ts';
import type { Clock, DurationMicros } from '../src/core/time.ts';
import type { LateInput } from '../src/ledger/late-input.ts';
import type { Ledger } from '../src/ledger/ledger.ts';
import type { AlertStore } from '../src/monitor/alert-store.ts';
import type { AlertSink } from '../src/monitor/sinks/alert-sink.ts';
import type { StreamProgress } from '../src/monitor/stream-progress.ts';
import type { AsOfEngine } from '../src/offline/as-of-engine.ts';
import type { FeatureComputer } from '../src/offline/feature-computer.ts';
import type { FeatureReader } from '../src/offline/feature-reader.ts';
import type { SourceReader } from '../src/offline/source-reader.ts';
import type { TableArranger } from '../src/offline/table-arranger.ts';
import type { TableProfiler } from '../src/offline/table-profiler.ts';
import type { OnlineStore } from '../src/online/online-store.ts';
import type { UnreadableSegments } from '../src/push/unreadable-segments.ts';
import type { Registry } from '../src/registry/registry.ts';

/** What a worker's activities work with; put together by `src/compose.ts`. */
export interface ActivityDeps {
  readonly registry: Registry;
  readonly ledger: Ledger;
  /** Which committed intervals have input newer than they are. */
  readonly late: LateInput;
  readonly sources: SourceReader;
  readonly computer: FeatureComputer;
  readonly reader: FeatureReader;
  readonly asOf: AsOfEngine;
  readonly arranger: TableArranger;
  readonly profiler: TableProfiler;
  readonly online: OnlineStore;
  readonly alerts: AlertStore;
  readonly streams: StreamProgress;
  /** Pushed rows that cannot be made files. */
  readonly unreadable: Pick<UnreadableSegments, 'of'>;
  /** Where alerts are told. */
  readonly sinks: readonly AlertSink[];
  /** Ends a view version's schedule. */
  readonly removeSchedule: (version: ViewVersion) => Promise<void>;
  /** The feature repository's functions, by `view@v1`. */
  readonly onDemand: OnDemandFunctions;
  /** The feature repository, absolute: relative paths of entity rows start there. */
  readonly baseDir: string;
  /** Absolute. */
  readonly offlineRoot: string;
  readonly clock: Clock;
  /** Who holds this worker's leases. */
  readonly identity: string;
  readonly leaseFor: DurationMicros;
}
