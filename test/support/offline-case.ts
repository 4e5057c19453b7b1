import { mkdir } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { NamedAggregation, SimpleAggregation } from '../../src/core/aggregation.ts';
import type { BatchViewSpec, FeatureSpec, Transformation } from '../../src/core/feature-view.ts';
import type { EventRow, FeatureRow } from '../../src/core/rows.ts';
import type { FileSourceSpec, SourceSpec } from '../../src/core/source.ts';
import type { Micros } from '../../src/core/time.ts';
import type { KeyValue, Value, ValueType } from '../../src/core/value-type.ts';
import type { DuckDbEngine } from '../../src/offline/duckdb/engine.ts';
import { identifier, stringLiteral } from '../../src/offline/duckdb/sql-text.ts';
import { duckDbType, readColumn, transported } from '../../src/offline/duckdb/types.ts';
import { CREATED_TIME, EVENT_TIME, INTERVAL_END } from '../../src/offline/offline-columns.ts';

/** Builders of small offline cases: sources, views, files, and what stands in them. */
const METADATA = { description: '', owner: '', tags: {} };

export function fileSource(overrides: Partial<FileSourceSpec> & { path: string }): FileSourceSpec {
  return {
    ...METADATA,
    kind: 'parquet',
    name: 'events',
    timestampField: 'at',
    createdTimestampField: null,
    columns: [],
    ...overrides,
  };
}

export function batchView(
  source: SourceSpec,
  transformation: Transformation,
  features: readonly (readonly [string, ValueType])[],
  overrides: Partial<BatchViewSpec> = {},
): BatchViewSpec {
  return {
    ...METADATA,
    kind: 'batch_view',
    name: 'case',
    version: 1,
    entities: ['user'],
    joinKeys: [{ name: 'user_id', type: 'int64' }],
    sources: [source],
    transformation,
    timestampField: source.timestampField,
    createdTimestampField: source.createdTimestampField,
    features: features.map(([name, type]): FeatureSpec => ({ name, type, description: '' })),
    schedule: '0 * * * *',
    startTime: '2026-01-01T00:00:00Z',
    dataDelay: '0s',
    ttl: null,
    freshnessSla: null,
    online: true,
    paused: false,
    quality: [],
    fingerprint: 'f'.repeat(64),
    ...overrides,
  };
}

export function simple(
  fn: SimpleAggregation['fn'],
  column: string | null,
  window: string,
  rest: Partial<SimpleAggregation> = {},
): SimpleAggregation {
  return { kind: 'simple', fn, column, window, where: null, argument: null, ...rest };
}

export function aggregations(
  named: Readonly<Record<string, NamedAggregation['aggregation']>>,
): Extract<Transformation, { kind: 'aggregations' }> {
  return {
    kind: 'aggregations',
    aggregations: Object.entries(named).map(([feature, aggregation]) => ({ feature, aggregation })),
  };
}

/** Writes a query's rows as Parquet. */
export async function writeParquet(engine: DuckDbEngine, path: string, select: string): Promise<void> {
  await mkdir(dirname(path), { recursive: true });
  await engine.withConnection((connection) =>
    connection.run(`COPY (${select}) TO ${stringLiteral(path)} (FORMAT parquet)`),
  );
}

/** Events as a VALUES query: `at`, `created`, and the given columns. */
export function eventsSql(events: readonly EventRow[], columns: Readonly<Record<string, ValueType>>): string {
  const time = (micros: Micros | null) => (micros === null ? 'NULL' : `make_timestamp(${micros})`);
  const cell = (value: Value) =>
    value === null ? 'NULL' : stringLiteral(Object.is(value, -0) ? '-0.0' : String(value));
  const names = Object.entries(columns);
  const types = ['CAST("at" AS TIMESTAMP) AS "at"', 'CAST(created AS TIMESTAMP) AS created'].concat(
    names.map(([name, type]) => `CAST(${name} AS ${duckDbType(type)}) AS ${name}`),
  );
  const rows = events.map(
    (event) =>
      `(${[time(event.eventTime), time(event.createdTime), ...names.map(([name]) => cell(event.columns[name] ?? null))].join(', ')})`,
  );
  const empty = `(${['NULL', 'NULL', ...names.map(() => 'NULL')].join(', ')})`;
  const list = rows.length === 0 ? empty : rows.join(', ');
  return `SELECT ${types.join(', ')} FROM (VALUES ${list}) t("at", created, ${names.map(([name]) => name).join(', ')}) ${rows.length === 0 ? 'LIMIT 0' : ''}`;
}

export interface StoredRow extends Omit<FeatureRow, 'revision'> {
  readonly intervalEnd: Micros;
}

/** The rows of an offline file in their stored order. */
export async function storedRows(
  engine: DuckDbEngine,
  view: BatchViewSpec,
  root: string,
  path: string,
): Promise<readonly StoredRow[]> {
  const types: readonly (readonly [string, ValueType])[] = [
    [EVENT_TIME, 'timestamp'],
    [CREATED_TIME, 'timestamp'],
    [INTERVAL_END, 'timestamp'],
    ...[...view.joinKeys, ...view.features].map(({ name, type }) => [identifier(name), type] as const),
  ];
  const select = types.map(([name, type]) => transported(name, type)).join(', ');
  return engine.withConnection(async (connection) => {
    const result = await connection.stream(
      `SELECT ${select} FROM read_parquet(${stringLiteral(join(root, path))})`,
    );
    const rows: StoredRow[] = [];
    for (let chunk = await result.fetchChunk(); chunk !== null; chunk = await result.fetchChunk()) {
      if (chunk.rowCount === 0) break;
      const columns = types.map(([, type], index) => readColumn(chunk.getColumnVector(index), type));
      for (let row = 0; row < chunk.rowCount; row++) {
        const [eventTime, createdTime, intervalEnd, ...rest] = columns.map((column) => column[row] ?? null);
        rows.push({
          key: rest.slice(0, view.joinKeys.length) as KeyValue[],
          eventTime: eventTime as Micros,
          createdTime: createdTime as Micros,
          intervalEnd: intervalEnd as Micros,
          values: rest.slice(view.joinKeys.length),
        });
      }
    }
    return rows;
  });
}

/** Text that is equal exactly when the values are, bit for bit. */
export function bitsOf(value: unknown): string {
  if (typeof value === 'number') {
    return Object.is(value, -0) ? 'number:-0' : `number:${value}`;
  }
  if (value === null || typeof value !== 'object') return `${typeof value}:${String(value)}`;
  const entries = Array.isArray(value)
    ? value.map((item) => bitsOf(item))
    : Object.entries(value).map(([key, item]) => `${key}=${bitsOf(item)}`);
  return `[${entries.join(',')}]`;
}
