import { TidemarkError } from '../core/errors.ts';
import type { ExactJson } from '../core/exact-json.ts';
import { type FeatureRequest, readFeatures } from '../serving/read-features.ts';
import { createReadPlanner } from '../serving/read-plan.ts';
import { type RegistryWatch, watchRegistry } from '../serving/registry-watch.ts';
import type { Session } from './context.ts';
import { httpLoadClient } from './http-load-client.ts';
import { type LoadClient, measureLoad, percentile } from './measure-load.ts';
import { countText, table } from './output.ts';
import { type EntityRow, readEntities, sampleEntities } from './sample-entities.ts';

export interface LoadTest {
  readonly service: string;
  /** Of a running server; null: the library, in this process. */
  readonly url: URL | null;
  /** Entities per request, one measurement each; without keys a request has one. */
  readonly entities: readonly number[];
  readonly seconds: number;
  readonly connections: number;
  /** A file of entity rows; null: sampled from committed files. */
  readonly keys: string | null;
  readonly signal: AbortSignal;
}

export interface LoadTestResult {
  readonly service: string;
  readonly through: 'library' | 'http';
  readonly connections: number;
  /** Different entity rows that were asked for, at random. */
  readonly keys: number;
  readonly measurements: readonly LoadMeasurement[];
}

/** Latencies in milliseconds, of served requests only. */
export interface LoadMeasurement {
  readonly entities: number;
  readonly seconds: number;
  readonly requests: number;
  readonly requestsPerSecond: number;
  readonly errors: number;
  readonly p50: number;
  readonly p90: number;
  readonly p99: number;
  readonly p999: number;
}

/** Requests are made beforehand, so many, and sent in turns. */
const REQUESTS = 200;

/** STORE_UNAVAILABLE when no request at all is served. */
export async function loadTest(test: LoadTest, session: Session): Promise<LoadTestResult> {
  const { platform, repo } = session;
  const registry = await watchRegistry({
    registry: await platform.registry(),
    project: repo.project.name,
    clock: platform.clock,
  });
  try {
    const shape = {
      selection: { kind: 'service', service: test.service },
      fullNames: true,
      aliases: [],
    } as const;
    const planRead = createReadPlanner();
    const plan = planRead(registry.current(), shape);
    const rows = test.keys === null ? await sampleEntities(plan, session) : await readEntities(test.keys);
    const measurements: LoadMeasurement[] = [];
    // Rows without columns cannot be counted: such a request has one.
    const counts = Object.keys(rows[0] ?? {}).length === 0 ? [1] : test.entities;
    for (const entities of counts) {
      if (test.signal.aborted) break;
      const requests = Array.from({ length: REQUESTS }, () => columnsOf(pick(rows, entities)));
      const { url } = test;
      const open =
        url === null
          ? () =>
              libraryClient(
                requests.map((columns) => ({ ...shape, columns, includeExpired: false })),
                registry,
                session,
              )
          : () =>
              httpLoadClient(
                url,
                requests.map((columns) => bodyOf(test.service, columns)),
              );
      measurements.push(await measure(test, entities, open));
    }
    if (measurements.every(({ requests }) => requests === 0)) {
      throw new TidemarkError(
        'STORE_UNAVAILABLE',
        `Cannot measure "${test.service}": no request was served${test.url === null ? '' : ` by ${test.url.origin}`}.`,
      );
    }
    return {
      service: test.service,
      through: test.url === null ? 'library' : 'http',
      connections: test.connections,
      keys: rows.length,
      measurements,
    };
  } finally {
    await registry.close();
  }
}

async function measure(
  { connections, seconds, signal }: LoadTest,
  entities: number,
  open: () => Promise<LoadClient>,
): Promise<LoadMeasurement> {
  const figures = await measureLoad({
    clients: connections,
    warmUpSeconds: Math.min(2, seconds / 5),
    seconds,
    open,
    signal,
  });
  const rounded = (share: number) => Number(percentile(figures, share).toFixed(3));
  return {
    entities,
    seconds: Number(figures.seconds.toFixed(2)),
    requests: figures.latencies.length,
    requestsPerSecond: Number((figures.latencies.length / figures.seconds).toFixed(1)),
    errors: figures.errors,
    p50: rounded(0.5),
    p90: rounded(0.9),
    p99: rounded(0.99),
    p999: rounded(0.999),
  };
}

/** The very reading that the server does, without HTTP and JSON. */
async function libraryClient(
  requests: readonly FeatureRequest[],
  registry: RegistryWatch,
  { platform, repo }: Session,
): Promise<LoadClient> {
  const online = await platform.online();
  const planRead = createReadPlanner();
  return {
    async ask(n) {
      const request = requests[n % requests.length];
      if (request === undefined) return false;
      const dependencies = {
        snapshot: registry.current(),
        planRead,
        online,
        functions: repo.onDemand,
        clock: platform.clock,
        maxRows: 10_000,
        maxValues: platform.config.readMaxValues,
      };
      return await readFeatures(request, dependencies).then(
        () => true,
        (error: unknown) => {
          // A store that is away is what one measures; a wrong request is not.
          if (error instanceof TidemarkError && error.retryable) return false;
          throw error;
        },
      );
    },
    async close() {},
  };
}

function pick(rows: readonly EntityRow[], count: number): readonly EntityRow[] {
  return Array.from({ length: count }, () => rows[Math.floor(Math.random() * rows.length)] ?? {});
}

function columnsOf(rows: readonly EntityRow[]): Readonly<Record<string, readonly ExactJson[]>> {
  const names = Object.keys(rows[0] ?? {});
  return Object.fromEntries(names.map((name) => [name, rows.map((row) => row[name] ?? null)]));
}

/** A bigint is written as decimal text: as a number it could lose digits, and the server takes both. */
function bodyOf(service: string, columns: Readonly<Record<string, readonly ExactJson[]>>): string {
  const body = { feature_service: service, full_feature_names: true, entities: columns };
  return JSON.stringify(body, (_key, value: unknown) =>
    typeof value === 'bigint' ? value.toString() : value,
  );
}

export function loadTestLines({ measurements }: LoadTestResult): readonly string[] {
  const millis = (value: number) => (Number.isNaN(value) ? '-' : `${value.toFixed(2)} ms`);
  return table([
    ['entities', 'requests/s', 'errors', 'p50', 'p90', 'p99', 'p99.9'],
    ...measurements.map((one) => [
      countText(one.entities),
      countText(Math.round(one.requestsPerSecond)),
      countText(one.errors),
      ...[one.p50, one.p90, one.p99, one.p999].map(millis),
    ]),
  ]);
}
