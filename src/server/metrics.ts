import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client';
import type { FeatureStatus } from '../core/rows.ts';
import type { PushResult, WrittenOnline } from '../push/push-rows.ts';
import type { OnlineFeatures } from '../serving/read-features.ts';
import { shareMetrics } from './cluster-metrics.ts';

/** What one server counts, in a registry of its own: two servers in one process do not mix. */
export interface ServerMetrics {
  request(route: string, method: string, status: number, seconds: number): void;
  served(features: OnlineFeatures): void;
  pushed(result: PushResult): void;
  written(online: WrittenOnline): void;
  registryRevision(revision: number | null): void;
  /** Segments of pushed rows that cannot be read. */
  unreadableSegments(count: number): void;
  /** The text Prometheus reads. */
  text(): Promise<string>;
  readonly contentType: string;
}

export function createMetrics(options: {
  readonly process: boolean;
  /** Whether this process is one of several that tell their figures as one. */
  readonly shared: boolean;
}): ServerMetrics {
  const registry = new Registry();
  const registers = [registry];
  const requests = new Counter({
    name: 'tidemark_http_requests_total',
    help: 'Requests answered.',
    labelNames: ['route', 'method', 'status'],
    registers,
  });
  const seconds = new Histogram({
    name: 'tidemark_http_request_seconds',
    help: 'Time from the request to the end of its answer.',
    labelNames: ['route'],
    buckets: [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5],
    registers,
  });
  const rows = new Counter({
    name: 'tidemark_entity_rows_total',
    help: 'Entity rows that were read.',
    registers,
  });
  const values = new Counter({
    name: 'tidemark_feature_values_total',
    help: 'Feature values served, by status.',
    labelNames: ['view', 'version', 'status'],
    registers,
  });
  const failures = new Counter({
    name: 'tidemark_on_demand_failures_total',
    help: 'Entity rows for which an on-demand function failed.',
    labelNames: ['view', 'version'],
    registers,
  });
  const pushedRows = new Counter({
    name: 'tidemark_pushed_rows_total',
    help: 'Rows that were pushed, by source.',
    labelNames: ['source'],
    registers,
  });
  const onlineRows = new Counter({
    name: 'tidemark_online_rows_total',
    help: 'Rows that were written online through this server: newer than what was there, or not.',
    labelNames: ['view', 'result'],
    registers,
  });
  const written = ({ view, written: newer, unchanged }: WrittenOnline) => {
    onlineRows.inc({ view, result: 'written' }, newer);
    onlineRows.inc({ view, result: 'unchanged' }, unchanged);
  };
  const revision = new Gauge({
    name: 'tidemark_registry_revision',
    help: 'The applied revision that is served.',
    // Of several processes the one that is behind.
    aggregator: 'min',
    registers,
  });
  const unreadable = new Gauge({
    name: 'tidemark_push_segments_unreadable',
    help: 'Segments of pushed rows on this disk that cannot be made files.',
    // Several processes look at one disk.
    aggregator: 'max',
    registers,
  });
  if (options.process) collectDefaultMetrics({ register: registry });

  return {
    request(route, method, status, took) {
      requests.inc({ route, method, status });
      seconds.observe({ route }, took);
    },
    served(features) {
      rows.inc(features.rows);
      for (const [id, count] of countStatuses(features)) {
        const [view = '', version = '', status = ''] = id.split('|');
        values.inc({ view, version, status }, count);
      }
      for (const { view, version, rows: failed } of features.onDemandFailures) {
        failures.inc({ view, version }, failed);
      }
    },
    pushed({ source, rows: count, online }) {
      pushedRows.inc({ source }, count);
      for (const one of online) written(one);
    },
    written,
    registryRevision: (current) => revision.set(current ?? 0),
    unreadableSegments: (count) => unreadable.set(count),
    text: options.shared ? shareMetrics(registry) : () => registry.metrics(),
    contentType: registry.contentType,
  };
}

function countStatuses({ features }: OnlineFeatures): ReadonlyMap<string, number> {
  const counts = new Map<string, number>();
  for (const { view, version, statuses } of features) {
    // First by status alone: a text made for each value took a fifth of a large request's time.
    const ofColumn = new Map<FeatureStatus, number>();
    // And most are equal to the one before.
    for (let row = 0; row < statuses.length; ) {
      const start = row;
      const status = statuses[start] ?? 'INVALID';
      while (row < statuses.length && statuses[row] === status) row += 1;
      ofColumn.set(status, (ofColumn.get(status) ?? 0) + row - start);
    }
    for (const [status, count] of ofColumn) {
      const id = `${view}|${version}|${status}`;
      counts.set(id, (counts.get(id) ?? 0) + count);
    }
  }
  return counts;
}
